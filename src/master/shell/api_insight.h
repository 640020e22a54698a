/*
 * GET_SHARES, EXPLAIN and GET_OFFERS in the words of mesos.v1.master.Response. Each function
 * appends the fields of one message.
 */
#pragma once

#include "common/wire/messages.h"
#include "master/core/insight.h"
#include "master/core/master_view.h"

void insight_put_shares(const struct master *master, struct buf *out);
void insight_put_offers(struct wire *wire, const struct master *master, struct buf *out);

/* False, *out unchanged: nothing is known of what is asked. */
bool insight_put_explained(const struct master *master, const struct insight_question *question,
                           bool with_agents, struct buf *out);
