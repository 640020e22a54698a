/*
 * The status files in the runtime directory, one a container: ID.status. init/record.h says what is
 * in them. `directory` is the runtime directory's descriptor.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/text.h"
#include "init/record.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct status {
    struct record_head head;
    struct record record; /* zeros when mesos-init has not written one */
};

/* A new file, open for reading and writing; -1 with the error set. */
int status_create(int directory, const char *id, struct error *error);
/* Of this boot, unless it says another. */
bool status_write_head(int file, const struct record_head *head);
/* Writes the head of a file that is there already. */
void status_update_head(int directory, const char *id, const struct record_head *head);
/* Its stop_at_ms alone. */
bool status_write_stop_at(int directory, const char *id, int64_t stop_at_ms);
/* One of another boot has no process: pid is 0. */
bool status_read(int directory, const char *id, struct status *out);
void status_remove(int directory, const char *id);
void status_each(int directory, void (*fn)(void *self, const char *id), void *self);

/* When a process began, in ticks since boot: with its pid it is never another process. 0: not
 * there. */
uint64_t process_start_time(pid_t pid);
/* A pidfd of the process that began then; -1 when it is gone. */
int process_open(pid_t pid, uint64_t start_time);
