#include "master/shell/master_info.h"

#include "common/runtime/address.h"
#include "common/runtime/http_server.h"
#include "common/wire/codec.h"
#include "common/wire/json.h"
#include "common/wire/put.h"
#include "master/shell/daemon.h"
#include "mesos/v1/mesos.pb-c.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct text master_info_ip(const struct daemon *daemon) {
    const char *ip =
        daemon->flags.advertise_ip != NULL ? daemon->flags.advertise_ip : daemon->flags.ip;
    bool is_any = strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0;
    return is_any ? (struct text){0} : text_of(ip);
}

uint16_t master_info_port(const struct daemon *daemon) {
    return daemon->flags.advertise_port > 0 ? (uint16_t)daemon->flags.advertise_port
                                            : http_server_port(daemon->http);
}

/* As old Mesos clients read it: the four bytes as they stand in memory. 0 for IPv6 and none. */
static uint32_t packed_ipv4(struct text ip) {
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    if (ip.size == 0 || ip.size >= sizeof(text))
        return 0;
    snprintf(text, sizeof(text), "%.*s", TEXT_ARGS(ip));
    return inet_pton(AF_INET, text, &address) == 1 ? address.s_addr : 0;
}

void master_info_put(struct daemon *daemon, struct buf *out) {
    struct text ip = master_info_ip(daemon);
    uint16_t port = master_info_port(daemon);
    char address_text[ADDRESS_TEXT_SIZE], pid[ADDRESS_TEXT_SIZE + 8];
    address_join(ip, port, address_text);
    snprintf(pid, sizeof(pid), "master@%s", address_text);
    put_bytes(out, 1, text_of(daemon->id));
    put_varint(out, 2, packed_ipv4(ip));
    put_varint(out, 3, port);
    put_bytes(out, 4, text_of(pid));
    put_bytes(out, 5, text_of(daemon->flags.hostname));
    put_bytes(out, 6, TEXT(MESOS_VERSION));
    size_t address = put_begin(out, 7);
    put_bytes(out, 1, text_of(daemon->flags.hostname));
    if (ip.size > 0)
        put_bytes(out, 2, ip);
    put_varint(out, 3, port);
    put_end(out, address);
}

void master_info_json(struct daemon *daemon, struct buf *out) {
    AUTO_FINI(buf_fini) struct buf encoded = {0};
    AUTO(arena_free) struct arena *arena = arena_new();
    ProtobufCMessage *message;
    master_info_put(daemon, &encoded);
    bool is_read =
        wire_unpack(&mesos__v1__master_info__descriptor, buf_text(&encoded), arena, &message, NULL);
    assert(is_read); /* written just above */
    json_print(message, out);
}
