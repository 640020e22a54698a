/*
 * What operators write in flags: resources, attributes, durations, sizes. What is read is printed
 * and read again.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/units.h"
#include "common/model/attributes.h"
#include "common/model/resources_text.h"

#include <assert.h>

static void read_resources(struct text text) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    AUTO_FINI(resources_fini) struct resources set = {0}, again = {0};
    AUTO_FINI(buf_fini) struct buf printed = {0};
    uint32_t mentioned;
    if (!resources_parse(kinds, text, TEXT("*"), &set, &mentioned, NULL))
        return;
    resources_print(&set, kinds, &printed);
    if (resources_is_empty(&set))
        return;
    bool is_read = resources_parse(kinds, buf_text(&printed), TEXT("*"), &again, &mentioned, NULL);
    assert(is_read && resources_equal(&set, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text text = {(const char *)data, size};
    AUTO_FINI(attributes_fini) struct attributes attributes = {0};
    int64_t duration_ns;
    uint64_t bytes;
    read_resources(text);
    attributes_parse(text, &attributes, NULL);
    duration_parse_ns(text, &duration_ns);
    bytes_parse(text, &bytes);
    return 0;
}
