/*
 * A node of the registry in ZooKeeper as anybody may have written it; with the mark and a right sum
 * put around it as well, so that what is behind these is reached.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/crc32c.h"
#include "zookeeper/core/journal_format.h"

static void decode(struct text bytes) {
    struct journal_node node;
    struct journal_head head;
    struct error error;
    if (journal_node_decode(bytes, &node, &error)) {
        struct journal_entry entry;
        while (journal_entry_take(&node.body, &entry))
            continue;
    }
    journal_head_decode(bytes, &head, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text bytes = {(const char *)data, size};
    AUTO_FINI(buf_fini) struct buf sound = {0};
    struct journal_name name;
    decode(bytes);
    buf_append_string(&sound, "MESOSREG");
    buf_append(&sound, "\1\0\0", 4);
    buf_append_text(&sound, bytes);
    uint32_t sum = crc32c(0, buf_text(&sound));
    buf_append(&sound, &sum, sizeof(sum));
    decode(buf_text(&sound));
    journal_name_parse(bytes, &name);
    return 0;
}
