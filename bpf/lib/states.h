/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The moves of a pair that others have to hear of: each sets the state, and says so once. */
#ifndef SIDESTEP_STATES_H
#define SIDESTEP_STATES_H

#include "count.h"

static __always_inline __u32 other(__u32 side)
{
	return (side ^ 1) & 1;
}

/* On TCP for now: counted by reason when it is decided, or closes. */
static __always_inline bool undecided(const struct sidestep_pair *pair)
{
	return pair->reason == REASON_LEARNING || pair->reason == REASON_BRIEF;
}

/* Both ends are in the map. */
static __always_inline void activate(struct sidestep_pair *pair, sidestep_pair_id id)
{
	/* A connection counts once, however often it comes back. */
	if (!pair->accelerated)
		count_connection(REASON_REDIRECTED);
	pair->reason = REASON_REDIRECTED;
	pair->accelerated = 1;
	pair->state = PAIR_ACTIVE;
	emit(id, EVENT_OPEN, REASON_REDIRECTED, NULL, NULL);
}

/* From now on every message passes; the agent takes the sockets out of the map. */
static __always_inline void send_back(struct sidestep_pair *pair, sidestep_pair_id id, __u32 reason)
{
	pair->reason = reason;
	pair->state = PAIR_LEAVING;
	emit(id, EVENT_FALLBACK, reason, NULL, NULL);
}

/* This connection must not be, or stay, in the map. What was decided for good before stands. */
static __always_inline void decide_against(struct sidestep_pair *pair, sidestep_pair_id id,
					   __u32 reason)
{
	bool inside = pair->end[SIDESTEP_CLIENT].psock || pair->end[SIDESTEP_SERVER].psock;

	if (pair->state == PAIR_TCP && !undecided(pair) && pair->reason != REASON_STREAM)
		return;
	if (pair->state == PAIR_LEAVING) {
		pair->reason = reason;
		return;
	}
	if (pair->state == PAIR_TCP)
		count_connection(reason);
	if (inside) {
		send_back(pair, id, reason);
		return;
	}
	pair->reason = reason;
	pair->state = PAIR_TCP;
	emit(id, EVENT_REFUSED, reason, NULL, NULL);
}

#endif
