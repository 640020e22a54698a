/*
 * This master as a MasterInfo: for GET_MASTER, and for its node in the election.
 */
#pragma once

#include "common/base/buf.h"

struct daemon;

void master_info_put(struct daemon *daemon, struct buf *out); /* encoded mesos.v1.MasterInfo */
void master_info_json(struct daemon *daemon,
                      struct buf *out); /* as Mesos writes json.info_ nodes */
/* Where others reach this master: --advertise_ip and --advertise_port, else what it listens on; an
 * empty ip when that is every address, and the hostname has to do. */
struct text master_info_ip(const struct daemon *daemon);
uint16_t master_info_port(const struct daemon *daemon);
