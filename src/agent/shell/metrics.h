/*
 * /metrics/snapshot: the agent's numbers as one JSON object, under the names that Mesos has for
 * them where it has any.
 */
#pragma once

struct daemon;

void metrics_serve(struct daemon *daemon);
