/*
 * What this machine is: asked once, at the start.
 */
#pragma once

#include "agent/shell/agent_flags.h"
#include "common/model/resources.h"

/* What --resources says, and what it does not name as measured. */
bool detect_resources(struct kinds *kinds, const struct agent_flags *flags, struct resources *out,
                      struct error *error);
/* Whether --attributes can be read; NULL and "" can. */
bool detect_attributes(const char *attributes, struct error *error);
bool detect_boot_id(char out[64], struct error *error);
/* Fills in what was not given: the host's name and the directories. False: no room for a name. */
bool detect_defaults(struct agent_flags *flags, struct error *error);
/* At the end: takes the runtime directory away when nothing is in it, and ours above it likewise.
 */
void detect_forget_runtime_dir(const struct agent_flags *flags);
