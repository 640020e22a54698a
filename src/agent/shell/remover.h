/*
 * Removes sandboxes off the loop's thread: one child at a time, many paths each, in order.
 */
#pragma once

#include "common/base/auto.h"

#include <stdbool.h>

struct daemon;
struct remover;

struct remover *remover_new(struct daemon *daemon);
void remover_free(struct remover *remover); /* sweep_sandboxes finds the rest */
DEFINE_AUTO(struct remover, remover_free)

/* It is to be removed, or is being removed. */
bool remover_has(const struct remover *remover, const char *path);

/* An absolute path whose parents belong to root. Links in it are not followed, mounts not entered.
 */
void remover_add(struct remover *remover, const char *path);
