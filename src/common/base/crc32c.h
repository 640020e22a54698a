/*
 * CRC-32C (Castagnoli), as iSCSI and ext4 have it: finds damage, not forgery.
 */
#pragma once

#include "common/base/text.h"

/* `before` is the sum of the bytes in front, 0 at the beginning. */
uint32_t crc32c(uint32_t before, struct text bytes);
/* The same without the processor's own instruction; for tests. */
uint32_t crc32c_plain(uint32_t before, struct text bytes);
