/*
 * From host:port to a connected socket without ever blocking the loop. Numeric addresses and
 * localhost are known at once; other names are looked up on a thread that shares nothing with the
 * loop but one reference-counted answer. Addresses are tried in order.
 */
#pragma once

#include "common/base/error.h"
#include "common/runtime/address.h"

struct loop;
struct connector;

/* on_done is called once, out of the loop: with an fd, which is then the callee's, or -1 and the
 * error. The connector may be freed in it. No time limit of its own. */
struct connector *connector_new(struct loop *loop, const struct address *address,
                                void (*on_done)(void *self, int fd, const struct error *error),
                                void *self);
/* From this numeric IPv4 address, any port, instead of one that the kernel chooses. Copied; before
 * the loop turns. */
void connector_bind(struct connector *connector, const char *ip);
void connector_free(struct connector *connector);
