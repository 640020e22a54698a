/*
 * Asking the master: one call of the v1 operator API, JSON both ways.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

#include <jansson.h>

DEFINE_AUTO(json_t, json_decref)

/*
 * Sends {"type": TYPE, ...fields} to the first of `masters` ("h:p,h:p") that answers, or to the
 * one that leads ("zk://...", "file://..."), following redirects. `fields` (may be NULL) is taken.
 * *out (may be NULL) is the answer, the caller's to json_decref; NULL when it has no body.
 * ERROR_IO: nobody answered; ERROR_NOT_FOUND, ERROR_INVALID, ERROR_REFUSED: the master's no, in its
 * own words.
 */
bool query_call(const char *masters, const char *type, json_t *fields, json_t **out,
                struct error *error);

/* The same for a call that does no harm when it is made twice: where several masters may lead, and
 * none answers or none leads just now, it is made again for as long as an election takes. */
bool query_repeat(const char *masters, const char *type, json_t *fields, json_t **out,
                  struct error *error);

/* As query_call for a type that reads, down to the answer's own object: get_tasks of GET_TASKS. */
bool query_get(const char *masters, const char *type, json_t **out, struct error *error);
bool query_get_patiently(const char *masters, const char *type, json_t **out,
                         struct error *error); /* as query_repeat */

/* How long a driver may look for a master the first time: known_ms where one address is given, long
 * enough for an election where there are several, or the leader is looked up. */
int64_t query_patience_ms(const char *masters, int64_t known_ms);
/* `masters` without the password that a zk:// URL may have; the caller's to free. */
char *query_shown(const char *masters);

/* A string at a path of keys ("agent_info.hostname"); "" when it is not there. Borrowed. */
const char *query_string(const json_t *object, const char *path);
/* An object or array at a path; NULL when it is not there. Borrowed. */
json_t *query_at(const json_t *object, const char *path);

/* "cpus:0.5;mem:64;ports:[31000-31009]" of an array of resources, into out: scalars of one name
 * added up, the first ranges of each, and of sets the number of elements. */
enum { QUERY_RANGES_SHOWN = 3 };
struct buf;
void query_resources(const json_t *resources, struct buf *out);
double query_scalar(const json_t *resources, const char *name);

/* JSON with indentation, to stdout. */
void query_print(const json_t *value);

/* Of the array's elements those whose string at `path` is `prefix` or begins with it: exactly one,
 * or ERROR_NOT_FOUND, or ERROR_EXISTS for more. `what` names the kind: "task". Borrowed. */
bool query_by_prefix(json_t *array, const char *path, const char *prefix, const char *what,
                     json_t **out, struct error *error);
