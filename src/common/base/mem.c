#include "common/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void mem_crash(const char *why) {
    /* No stdio: this may run with the heap exhausted. */
    ssize_t ignored = write(STDERR_FILENO, why, strlen(why));
    (void)ignored;
    ignored = write(STDERR_FILENO, "\n", 1);
    (void)ignored;
    abort();
}

void *mem_alloc(size_t size) {
    return mem_alloc_array(1, size);
}

void *mem_alloc_array(size_t count, size_t size) {
    void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
    if (memory == NULL)
        mem_crash("out of memory");
    return memory;
}

void *mem_resize(void *memory, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        mem_crash("out of memory: array too large");
    void *resized = realloc(memory, bytes > 0 ? bytes : 1);
    if (resized == NULL)
        mem_crash("out of memory");
    return resized;
}

void *mem_dup(const void *data, size_t size) {
    void *copy = mem_alloc(size);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *mem_dup_string(const char *string) {
    return mem_dup(string, strlen(string) + 1);
}

void mem_free(void *memory) {
    free(memory);
}
