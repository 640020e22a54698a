/*
 * Carrying out the core's effects, at once or when their ticket is stored.
 */
#pragma once

#include "agent/shell/daemon.h"

void effects_carry_out(struct daemon *daemon); /* all of the outbox, which is then empty */
void effects_release(struct daemon *daemon);   /* those held whose ticket is stored */
void effects_drop(struct daemon *daemon);      /* at the end */
