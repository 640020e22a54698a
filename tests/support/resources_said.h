/*
 * Resources as tests write them: what resources_parse reads, and reservations, volumes, sources.
 *
 *     cpus:2                    unreserved
 *     cpus(eng):2               reserved statically
 *     cpus(+eng):2              dynamically; +eng=p: by principal p
 *     cpus(eng+eng/ci):2        statically, and refined
 *     disk(+eng)[v]:100         the persistent volume v; [v]{SHARED}, with {REV} revocable
 *     disk(+eng)<MOUNT>[v]:100  on a disk of its own; also PATH, RAW, BLOCK
 */
#pragma once

#include "common/model/resources.h"

/* Adds up what the text says; fails the test when it cannot be read. The caller finis it. */
struct resources resources_said(struct kinds *kinds, const char *text);

/* Fails the test, showing both, unless the set is what the text says. */
void assert_resources(struct kinds *kinds, const struct resources *set, const char *said);
