/*
 * What the world did to us, by value: a code to branch on and a message to read. Functions that
 * touch the world return bool and take a last `struct error *`, which may be NULL; each caller adds
 * context or handles it, and it is logged once, where it is handled.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

enum error_code {
    ERROR_NONE,
    ERROR_IO,        /* a system call failed */
    ERROR_INVALID,   /* input that makes no sense */
    ERROR_LIMIT,     /* input or state beyond a named limit */
    ERROR_NOT_FOUND, /* what was asked for is not there */
    ERROR_EXISTS,    /* it is there already, or in use by somebody else */
    ERROR_REFUSED,   /* the peer or the policy said no */
    ERROR_CLOSED,    /* the peer is gone */
    ERROR_TIMEOUT,
    ERROR_UNSUPPORTED, /* this machine or this peer cannot do it */
};

struct error {
    enum error_code code;
    char message[500];
};

/* Sets *error and returns false. %m works as in syslog. */
bool fail(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the message and returns false. */
bool fail_context(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

const char *error_code_name(enum error_code code);
