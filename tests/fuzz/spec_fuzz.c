/*
 * The block that mesos-init reads: whatever it holds, nothing beyond it is touched.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/mem.h"
#include "init/spec.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct spec spec;
    size_t count;
    char *block = mem_alloc(size + 8); /* aligned, as the reader has it */
    memcpy(block, data, size);
    if (spec_count_pointers(block, size, &count) && count < size) {
        char **pointers = NEW_ARRAY(char *, count + 1);
        spec_parse(block, size, pointers, &spec);
        mem_free(pointers);
    }
    mem_free(block);
    return 0;
}
