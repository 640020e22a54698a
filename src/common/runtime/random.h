/*
 * Randomness from the kernel: the seed of a shell's rng, and bytes for secrets.
 */
#pragma once

#include "common/base/rng.h"

#include <stddef.h>

struct rng random_rng(void);
void random_bytes(void *out, size_t size);
