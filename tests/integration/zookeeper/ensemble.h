/*
 * A real ZooKeeper for one test program: ensemble.sh run from C. It ends with the program, however
 * that ends.
 */
#pragma once

#include "zookeeper/core/zk_url.h"

/* Begins one, or ends the program with 77 (skipped, aloud) where there is no Java. `config`: lines
 * for every member's configuration, or NULL. */
void ensemble_start(int members, const char *config);
/* "down 2", "up 2", "pause 1", "resume 1". */
void ensemble_do(const char *command);
/* zk://[CREDENTIALS@]SERVERS/PATH; `path` begins with a slash. To be freed by zk_url_fini. */
struct zk_url ensemble_url(const char *credentials, const char *path);
const char *ensemble_servers(void);
