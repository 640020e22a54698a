/*
 * A ZooKeeper URL as flags give it: itself, or file:///path of a file that holds it.
 */
#pragma once

#include "zookeeper/core/zk_url.h"

bool zk_url_read(struct text text, struct zk_url *out, struct error *error);
