/*
 * What a master that does not lead answers, and where the leader is.
 */
#pragma once

#include <stdbool.h>

struct daemon;
struct http_request;

/* A route that only the leader serves: others send there with 307, or 503 while nobody leads or
 * this one is still reading the registry; who asks for mesos/1 then waits for redirect_release. */
void redirect_route(struct daemon *daemon, const char *path,
                    void (*fn)(void *self, struct http_request *request));
/* False: the request is answered already. */
bool redirect_is_ours(struct daemon *daemon, struct http_request *request);
void redirect_release(struct daemon *daemon); /* whenever it may have become known who leads */
void redirect_serve(struct daemon *daemon);   /* /redirect, /ready */
