/*
 * Effects as lines of text.
 */
#pragma once

#include "tests/unit/master/core/stage.h"

void stage_print_effect(const struct stage *stage, const struct master_effect *effect,
                        struct buf *out);
