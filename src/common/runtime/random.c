/*
 * getrandom(2) waits until the kernel's pool is ready and does not fail after that.
 */
#include "common/runtime/random.h"

#include "common/base/mem.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *out, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom((char *)out + done, size - done, 0);
        if (got < 0 && errno != EINTR)
            mem_crash("getrandom fails");
        done += got > 0 ? (size_t)got : 0;
    }
}

struct rng random_rng(void) {
    uint64_t seed;
    random_bytes(&seed, sizeof(seed));
    return rng_of(seed);
}
