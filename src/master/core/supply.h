/*
 * Between the master's objects and the allocator's numbers: the only place that calls the
 * allocator. Who is offered what is decided there; what is offered becomes an offer here.
 */
#pragma once

#include "master/core/state.h"

/* Makes the allocator with the policy and the settings of the options. */
void supply_begin(struct master *master, const struct master_options *options);

void supply_set_weight(struct master *master, uint32_t role, int64_t weight_milli);
void supply_set_quota(struct master *master, uint32_t role, const struct quota_line *lines,
                      size_t count);
/* Agents that the registry knows are still to come back: limits leave nothing until then. */
void supply_hold_limits(struct master *master, bool is_held);
/* What the role and all below it use of quota, offers included; lent until the next call. */
const struct quantities *supply_consumed(const struct master *master, uint32_t role);
/* How much more must be kept for all guarantees than is free; 0: enough is. */
int64_t supply_lack(const struct master *master, uint32_t name);
/* The framework has more, in this role, than its weights give it. */
bool supply_is_over_share(const struct master *master, const struct framework *framework,
                          uint32_t role);

void supply_add_framework(struct master *master, struct framework *framework);
/* After its roles or capabilities have changed. */
void supply_update_framework(struct master *master, struct framework *framework);
void supply_activate_framework(struct master *master, struct framework *framework, bool is_active);
void supply_remove_framework(struct master *master, struct framework *framework);

/* False: the framework does not subscribe to one of the roles, and nothing was changed. */
bool supply_suppress(struct master *master, struct framework *framework, const struct text *roles,
                     size_t role_count, bool is_suppressed);

void supply_add_agent(struct master *master, struct agent *agent);
/* `looks_otherwise`: constraints may be met otherwise. */
void supply_update_agent(struct master *master, struct agent *agent, bool looks_otherwise);
void supply_activate_agent(struct master *master, struct agent *agent, bool is_active);
/* Its tasks and offers must have given back what they hold. */
void supply_remove_agent(struct master *master, struct agent *agent);

/* Resources that a task or an executor holds already. False: too much to count. */
bool supply_adopt(struct master *master, struct framework *framework, uint32_t role,
                  struct agent *agent, const struct resources *resources);
void supply_recover(struct master *master, struct framework *framework, uint32_t role,
                    struct agent *agent, const struct resources *resources);
/* By the allocator's number of the framework, which may be gone. */
void supply_recover_of(struct master *master, uint32_t framework, uint32_t role,
                       struct agent *agent, const struct resources *resources);
/* As above, and the framework does not want them for that long; 0: no filter. */
void supply_decline(struct master *master, struct framework *framework, uint32_t role,
                    struct agent *agent, const struct resources *resources, int64_t refuse_ms);

/* What the framework holds there (NULL: what is free there) has become something else. The agent's
 * total is changed by the caller. */
void supply_convert(struct master *master, struct framework *framework, uint32_t role,
                    struct agent *agent, const struct conversion *conversion);

/* A task is launched there from an offer whose end is yet to be said; and that end. */
void supply_note_launch(struct master *master, struct framework *framework, uint32_t role,
                        struct agent *agent, const struct resources *task);
void supply_end_offer(struct master *master, struct framework *framework, uint32_t role,
                      struct agent *agent, enum allocator_offer_end how);

/* refuse_seconds as a call has it, by Mesos's rules. */
int64_t supply_refuse_ms(bool has_seconds, double seconds);

/* Makes offers when it is time; sets when it will be. */
void supply_step(struct master *master);
