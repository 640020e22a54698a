/*
 * zk://[user:password@]h1[:2181],h2/path as Mesos writes it, or file:///path of a file that has it.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

enum { ZK_SERVERS_LIMIT = 32, ZK_DEFAULT_PORT = 2181 };

struct zk_url {
    char *servers;     /* "h1:2181,h2:2181", as libzookeeper takes it */
    char *path;        /* "/mesos": absolute, no slash at its end; "" for the root */
    char *credentials; /* "user:password", or NULL */
    char *shown;       /* the URL with the password left out, for logs */
};

/* `text` begins with zk://; what begins with file:// the caller reads first. ERROR_INVALID names
 * what is wrong and never shows the password. */
bool zk_url_parse(struct text text, struct zk_url *out, struct error *error);
void zk_url_fini(struct zk_url *url);
DEFINE_AUTO_FINI(struct zk_url, zk_url_fini)
/* zk:// or file:// */
bool zk_url_is(struct text text);
