/*
 * The port is behind the last colon, unless that colon belongs to a bare IPv6 address.
 */
#include "common/runtime/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static struct text without_prefix(struct text text, struct text prefix) {
    return text_starts_with(text, prefix) ? text_sub(text, prefix.size, text.size) : text;
}

/* Splits host and port; `port` has data NULL when there is none. */
static bool split(struct text text, struct text *host, struct text *port) {
    *port = (struct text){0};
    if (text_starts_with(text, TEXT("["))) {
        struct text rest = text_sub(text, 1, text.size);
        if (!text_contains_byte(rest, ']') || !text_split(&rest, ']', host))
            return false;
        if (rest.size > 0 && rest.data[0] != ':')
            return false;
        *port = rest.size > 0 ? text_sub(rest, 1, rest.size) : (struct text){0};
        return true;
    }
    struct text rest = text;
    text_split(&rest, ':', host);
    if (rest.data != NULL && text_contains_byte(rest, ':'))
        *host = text; /* a bare IPv6 address */
    else
        *port = rest;
    return true;
}

/* Whether it could be a name or an address; only an IPv6 address has colons. */
static bool is_host(struct text host) {
    char string[ADDRESS_HOST_SIZE];
    struct in6_addr parsed;
    if (host.size == 0 || host.size >= sizeof(string))
        return false;
    for (size_t i = 0; i < host.size; i++) {
        if ((unsigned char)host.data[i] <= ' ' || strchr("/@?#[]\x7f", host.data[i]) != NULL)
            return false;
    }
    snprintf(string, sizeof(string), "%.*s", TEXT_ARGS(host));
    string[strcspn(string, "%")] = '\0'; /* fe80::1%eth0: a zone is the resolver's business */
    return !text_contains_byte(host, ':') || inet_pton(AF_INET6, string, &parsed) == 1;
}

bool address_parse(struct text text, uint16_t default_port, struct address *out,
                   struct error *error) {
    struct text rest = text_trim(text), host, port;
    rest = without_prefix(without_prefix(rest, TEXT("http:")), TEXT("//"));
    while (text_ends_with(rest, TEXT("/")))
        rest.size--;
    uint64_t number = default_port;
    bool is_fine = split(rest, &host, &port) && is_host(host);
    if (!is_fine || (port.data != NULL && !text_to_u64(port, &number)) || number > UINT16_MAX)
        return fail(error, ERROR_INVALID, "'%.*s' is no host:port", TEXT_ARGS(text));
    *out = (struct address){.port = (uint16_t)number};
    memcpy(out->host, host.data, host.size);
    return true;
}

void address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE]) {
    if (strchr(address->host, ':') != NULL)
        snprintf(out, ADDRESS_TEXT_SIZE, "[%s]:%u", address->host, address->port);
    else
        snprintf(out, ADDRESS_TEXT_SIZE, "%s:%u", address->host, address->port);
}

void address_join(struct text host, uint16_t port, char out[ADDRESS_TEXT_SIZE]) {
    struct address address = {.port = port};
    size_t size = host.size < ADDRESS_HOST_SIZE ? host.size : ADDRESS_HOST_SIZE - 1;
    if (size > 0)
        memcpy(address.host, host.data, size);
    address_format(&address, out);
}

bool address_equal(const struct address *a, const struct address *b) {
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}
