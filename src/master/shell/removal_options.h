/*
 * The flags that hold back the loss of agents: "1/10mins" and "50%".
 */
#pragma once

#include "master/core/master.h"

struct master_flags;

bool removal_rate_check(const char *value, struct error *error);
bool removal_limit_check(const char *value, struct error *error);
void removal_options_read(const struct master_flags *flags, struct master_options *options);
