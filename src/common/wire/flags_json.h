/*
 * Values of an agent's flags that may be written as JSON. What is decoded lives in the arena.
 */
#pragma once

#include "common/wire/messages.h"

/* --resources as an array of mesos.v1.Resource; as resources_parse (model/resources_text.h). What
 * names no role is reserved to `default_role` unless that is "*". Persistent volumes, dynamic
 * reservations, shared and revocable resources are ERROR_INVALID: they do not come from flags. */
bool resources_from_json(struct wire *wire, struct text json, struct text default_role,
                         struct resources *out, uint32_t *mentioned, struct error *error);

/* --domain as a mesos.v1.DomainInfo with a fault domain. */
bool domain_from_json(struct arena *arena, struct text json, struct text *region, struct text *zone,
                      struct error *error);
/* --domain as it is given: that, or REGION/ZONE; NULL: none, and both are empty. */
bool domain_from_flag(struct arena *arena, const char *value, struct text *region,
                      struct text *zone, struct error *error);
