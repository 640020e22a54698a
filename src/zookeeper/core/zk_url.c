/*
 * As in Mesos the first '/' begins the path and the last '@' before it ends the credentials. What
 * cannot be meant is refused here, for libzookeeper would look for it forever.
 */
#include "zookeeper/core/zk_url.h"

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "zookeeper/core/zk.h"

enum {
    URL_BYTES_LIMIT = 4096,
    HOST_BYTES_LIMIT = 253,
    PATH_ROOM_BYTES = 256, /* what the names below the path may need of ZK_PATH_BYTES_LIMIT */
};

bool zk_url_is(struct text text) {
    return text_starts_with(text, TEXT("zk://")) || text_starts_with(text, TEXT("file://"));
}

static size_t find_last(struct text text, char byte) {
    size_t at = text.size;
    while (at > 0 && text.data[at - 1] != byte)
        at--;
    return at; /* behind it; 0: there is none */
}

static size_t find_first(struct text text, char byte) {
    const char *found = text.size > 0 ? memchr(text.data, byte, text.size) : NULL;
    return found != NULL ? (size_t)(found - text.data) : text.size;
}

static bool is_host_byte(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' || byte == '_';
}

static bool is_host(struct text host) {
    bool has_brackets = host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    struct text inner = has_brackets ? text_sub(host, 1, host.size - 2) : host;
    if (inner.size == 0 || inner.size > HOST_BYTES_LIMIT)
        return false;
    for (size_t i = 0; i < inner.size; i++) {
        if (!is_host_byte(inner.data[i]) &&
            !(has_brackets && (inner.data[i] == ':' || inner.data[i] == '%')))
            return false;
    }
    return true;
}

/* "host", "host:port", "[address]", "[address]:port". */
static bool append_server(struct text server, struct buf *out, struct error *error) {
    struct text host = server, port_text = {0};
    uint64_t port = ZK_DEFAULT_PORT;
    bool ends_with_bracket = server.size > 0 && server.data[server.size - 1] == ']';
    size_t behind_colon = ends_with_bracket ? 0 : find_last(server, ':');
    if (behind_colon > 0) {
        host = text_sub(server, 0, behind_colon - 1);
        port_text = text_sub(server, behind_colon, server.size);
    }
    if (!is_host(host))
        return fail(error, ERROR_INVALID, "'%.*s' is no host:port", TEXT_ARGS(server));
    if (behind_colon > 0 && (!text_to_u64(port_text, &port) || port == 0 || port > UINT16_MAX))
        return fail(error, ERROR_INVALID, "'%.*s' has no port from 1 to %d", TEXT_ARGS(server),
                    UINT16_MAX);
    buf_printf(out, "%s%.*s:%u", out->size > 0 ? "," : "", TEXT_ARGS(host), (unsigned)port);
    return true;
}

static bool read_servers(struct text servers, struct buf *out, struct error *error) {
    struct text rest = servers, server;
    size_t count = 0;
    while (text_split(&rest, ',', &server)) {
        if (++count > ZK_SERVERS_LIMIT)
            return fail(error, ERROR_INVALID, "more than %d servers", ZK_SERVERS_LIMIT);
        if (!append_server(server, out, error))
            return false;
    }
    return count > 0 || fail(error, ERROR_INVALID, "no server is named");
}

static bool is_path_byte(char byte) {
    return (unsigned char)byte > ' ' && byte != 0x7f;
}

/* "" or "/" is the root; one '/' at the end is nothing. */
static bool check_path(struct text *path, struct error *error) {
    if (path->size > 0 && path->data[path->size - 1] == '/')
        path->size--;
    if (path->size > ZK_PATH_BYTES_LIMIT - PATH_ROOM_BYTES)
        return fail(error, ERROR_INVALID, "a path of more than %d bytes",
                    ZK_PATH_BYTES_LIMIT - PATH_ROOM_BYTES);
    if (path->size == 0)
        return true;
    struct text rest = text_sub(*path, 1, path->size), part;
    while (text_split(&rest, '/', &part)) {
        if (part.size == 0 || text_equal(part, TEXT(".")) || text_equal(part, TEXT("..")))
            return fail(error, ERROR_INVALID, "the path '%.*s' has an empty part, '.' or '..'",
                        TEXT_ARGS(*path));
        for (size_t i = 0; i < part.size; i++) {
            if (!is_path_byte(part.data[i]))
                return fail(error, ERROR_INVALID, "the path has a space or a control byte");
        }
    }
    return text_is_utf8(*path) || fail(error, ERROR_INVALID, "the path is not UTF-8");
}

static bool check_credentials(struct text credentials, struct error *error) {
    size_t user = find_first(credentials, ':');
    if (user == 0 || user == credentials.size)
        return fail(error, ERROR_INVALID, "before the '@' user:password is wanted");
    if (text_contains_byte(credentials, '\0'))
        return fail(error, ERROR_INVALID, "the credentials have a NUL");
    return true;
}

static bool parse(struct text text, struct zk_url *out, struct buf *servers, struct error *error) {
    struct text body = text_sub(text, TEXT("zk://").size, text.size);
    size_t slash = find_first(body, '/');
    struct text path = text_sub(body, slash, body.size), head = text_sub(body, 0, slash);
    /* Before anything is shown: what we would show is a piece of a password. */
    if (text_contains_byte(path, '@'))
        return fail(error, ERROR_INVALID,
                    "an '@' behind the first '/': neither the credentials "
                    "nor the path can have that");
    size_t behind_at = find_last(head, '@');
    struct text credentials = text_sub(head, 0, behind_at > 0 ? behind_at - 1 : 0);
    if ((behind_at > 0 && !check_credentials(credentials, error)) ||
        !read_servers(text_sub(head, behind_at, head.size), servers, error) ||
        !check_path(&path, error))
        return false;
    AUTO_FINI(buf_fini) struct buf shown = {0};
    buf_append_string(&shown, "zk://");
    if (behind_at > 0)
        buf_printf(&shown, "%.*s:***@", (int)find_first(credentials, ':'), credentials.data);
    buf_append_text(&shown, buf_text(servers));
    buf_append_text(&shown, path);
    *out = (struct zk_url){.servers = text_dup(buf_text(servers)),
                           .path = text_dup(path),
                           .credentials = behind_at > 0 ? text_dup(credentials) : NULL,
                           .shown = text_dup(buf_text(&shown))};
    return true;
}

bool zk_url_parse(struct text text, struct zk_url *out, struct error *error) {
    AUTO_FINI(buf_fini) struct buf servers = {0};
    text = text_trim(text);
    if (!text_starts_with(text, TEXT("zk://")))
        return fail(error, ERROR_INVALID, "zk:// is wanted first: zk://h1:2181,h2:2181/mesos");
    if (text.size > URL_BYTES_LIMIT)
        return fail(error, ERROR_INVALID, "a zk:// URL of more than %d bytes", URL_BYTES_LIMIT);
    return parse(text, out, &servers, error) || fail_context(error, "zk:// URL");
}

void zk_url_fini(struct zk_url *url) {
    mem_free(url->servers);
    mem_free(url->path);
    mem_free(url->credentials);
    mem_free(url->shown);
    *url = (struct zk_url){0};
}
