/*
 * host:port as flags, redirects and the CLI write it: "10.0.0.1:5050", "host", "[::1]:5050",
 * "//host:5050". A value.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum { ADDRESS_HOST_SIZE = 256, ADDRESS_TEXT_SIZE = ADDRESS_HOST_SIZE + 10 };

struct address {
    char host[ADDRESS_HOST_SIZE]; /* without brackets */
    uint16_t port;
};

/* A missing port becomes default_port; "http://" or "//" in front and a "/" behind are allowed. */
bool address_parse(struct text text, uint16_t default_port, struct address *out,
                   struct error *error);
void address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE]);
/* The same of a host as flags have it, an address of IPv6 without its brackets; one that is too
 * long is cut. */
void address_join(struct text host, uint16_t port, char out[ADDRESS_TEXT_SIZE]);
bool address_equal(const struct address *a, const struct address *b);
