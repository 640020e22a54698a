/*
 * A decoder to be fuzzed is one function, as libFuzzer wants it. Without -DFUZZ=ON the same file is
 * linked with corpus.c, which runs it over the seeds, so that every build proves the targets alive.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
