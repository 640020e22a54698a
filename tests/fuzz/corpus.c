/*
 * Runs a fuzz target over the files that are named, and over each cut at every length.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/mem.h"

#include <stdio.h>
#include <string.h>

enum { SEED_BYTES_LIMIT = 65536 };

static int run_seed(const char *path) {
    static uint8_t data[SEED_BYTES_LIMIT];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "cannot open %s\n", path);
        return 1;
    }
    size_t size = fread(data, 1, sizeof(data), file);
    fclose(file);
    for (size_t cut = 0; cut <= size; cut++) {
        uint8_t *exact = mem_dup(data, cut);
        LLVMFuzzerTestOneInput(exact, cut);
        mem_free(exact);
    }
    return 0;
}

int main(int count, char **arguments) {
    int failed = 0;
    for (int i = 1; i < count; i++)
        failed |= run_seed(arguments[i]);
    return failed;
}
