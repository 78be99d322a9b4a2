/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * How both ends of a pair are known to read. A listener speaks for its accepted sockets, a workload (executable +
 * cgroup) for the sockets that it connects. Whoever has been seen to block is never believed in advance again, but each
 * of its connections can still show that it does not.
 */
#ifndef SIDESTEP_HABITS_H
#define SIDESTEP_HABITS_H

#include "../include/maps.h"
#include "peek.h"

static __always_inline struct sidestep_habits *client_habits(const struct sidestep_pair *pair)
{
	struct sidestep_workload *workload =
		bpf_map_lookup_elem(&workloads, &pair->end[SIDESTEP_CLIENT].workload);

	return workload ? &workload->habits : NULL;
}

static __always_inline struct sidestep_habits *server_habits(const struct sidestep_pair *pair)
{
	struct sidestep_listener *listener = bpf_map_lookup_elem(&listeners, &pair->listener);

	return listener ? &listener->habits : NULL;
}

static __always_inline struct sidestep_habits *habits_of(const struct sidestep_pair *pair,
							 __u32 side)
{
	return side == SIDESTEP_CLIENT ? client_habits(pair) : server_habits(pair);
}

/* 0: nothing against it; otherwise the reason. */
static __always_inline __u32 hazard_of(const struct sidestep_habits *habits)
{
	return habits && habits->hazard ? habits->hazard - 1 : 0;
}

/* The hazard of whoever holds this end, whichever listener it came from. */
static __always_inline __u32 workload_hazard(const struct sidestep_endpoint *end)
{
	struct sidestep_workload *workload = bpf_map_lookup_elem(&workloads, &end->workload);

	return workload ? hazard_of(&workload->habits) : 0;
}

/* `hazard`: the reason, where there is one. */
static __always_inline void note(struct sidestep_habits *habits, __u32 read, __u32 hazard)
{
	if (read == READ_PLAIN)
		habits->plain = 1;
	else if (read == READ_BLOCKING)
		habits->blocking = 1;
	else
		habits->hazard = hazard + 1;
}

/* What an end shows speaks for the workload of whoever holds it, and at the server for its listener as well. */
static __always_inline void note_seen(const struct sidestep_pair *pair, __u32 side, __u32 read,
				      __u32 hazard)
{
	struct sidestep_workload *workload;
	struct sidestep_listener *listener;

	workload = bpf_map_lookup_elem(&workloads, &pair->end[side & 1].workload);
	if (workload)
		note(&workload->habits, read, hazard);
	if (side != SIDESTEP_SERVER)
		return;
	listener = bpf_map_lookup_elem(&listeners, &pair->listener);
	if (listener)
		note(&listener->habits, read, hazard);
}

static __always_inline void note_read(const struct sidestep_pair *pair, __u32 side, __u32 read)
{
	note_seen(pair, side, read, 0);
}

static __always_inline void note_hazard(const struct sidestep_pair *pair, __u32 side, __u32 reason)
{
	note_seen(pair, side, READ_HAZARD, reason);
}

static __always_inline bool blocks_always(const struct sidestep_habits *habits)
{
	return habits && habits->blocking && !habits->plain;
}

static __always_inline bool believed(const struct sidestep_habits *habits)
{
	return habits && habits->plain && !habits->blocking && !habits->hazard;
}

/* What the operator says of an end goes before what was learned of others like it. */
static __always_inline bool trusted(const struct sidestep_pair *pair, __u32 side)
{
	return pair->end[side & 1].standing & STANDING_TRUSTED;
}

static __always_inline bool known_good(const struct sidestep_pair *pair, __u32 side,
				       const struct sidestep_settings *set)
{
	return set->trust || trusted(pair, side) || believed(habits_of(pair, side));
}

/* `sk` is this end, or the listener that it will come from. */
static __always_inline bool refuses_blocking(const struct sidestep_pair *pair, __u32 side,
					     const struct sock *sk)
{
	return blocks(sk) && !(pair->end[side & 1].standing & STANDING_LENIENT);
}

/* Has anything been learned that speaks against the workloads of this end? */
static __always_inline __u32 known_hazard(const struct sidestep_pair *pair, __u32 side)
{
	__u32 reason = hazard_of(habits_of(pair, side));

	if (trusted(pair, side))
		return 0;
	return reason ? reason : workload_hazard(&pair->end[side & 1]);
}

#endif
