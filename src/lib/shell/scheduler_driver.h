/*
 * What the two files of the scheduler driver share.
 */
#pragma once

#include "lib/shell/driver.h"

struct mesos_scheduler_driver {
    struct driver *driver;
    struct mesos_scheduler_callbacks callbacks;
    bool explicit_acknowledgements;
};
