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
#include "repute.h"

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
	if (read == READ_BLOCKING) {
		__sync_fetch_and_add(&habits->blocking, 1);
		return;
	}
	habits->hazard = hazard + 1;
	__sync_fetch_and_add(&habits->hazards, 1);
}

/* What an end shows speaks for the workload of whoever holds it, and at the server for its listener as well. */
static __always_inline void note_seen(const struct sidestep_pair *pair, __u32 side, __u32 read,
				      __u32 hazard)
{
	struct sidestep_workload *workload;
	struct sidestep_listener *listener;

	workload = bpf_map_lookup_elem(&workloads, &pair->end[side & 1].workload);
	if (workload) {
		note(&workload->habits, read, hazard);
		disown(workload);
	}
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

/* Has enough plain reading been seen (guard.window)? What is known from before need not be seen again. */
static __always_inline bool seen_enough(const struct sidestep_habits *habits)
{
	__u32 zero = 0;
	const struct sidestep_settings *set = bpf_map_lookup_elem(&settings, &zero);

	if (habits->known & KNOWN_CLEAN)
		return true;
	if (habits->known & KNOWN_WARY &&
	    (habits->plain < WARY_READS || bpf_ktime_get_ns() - habits->first_ns < WARY_NS))
		return false;
	return set && habits->plain && habits->connections >= set->window_connections &&
	       habits->bytes >= set->window_bytes &&
	       bpf_ktime_get_ns() - habits->first_ns >= set->window_ns;
}

static __always_inline void add_plain(struct sidestep_habits *habits, __u32 side, bool first,
				      __u32 bytes)
{
	if (!habits->first_ns)
		habits->first_ns = bpf_ktime_get_ns();
	__sync_fetch_and_add(&habits->plain, 1);
	__sync_fetch_and_add(&habits->bytes, bytes);
	if (!first)
		return;
	__sync_fetch_and_add(&habits->connections, 1);
	if (side == SIDESTEP_SERVER)
		__sync_fetch_and_add(&habits->accepted, 1);
}

/* A plain read, after which this end has read `read` bytes. */
static __always_inline void note_plain(struct sidestep_pair *pair, __u32 side, __u32 read)
{
	struct sidestep_endpoint *end = &pair->end[side & 1];
	bool first = !(end->reads & READ_PLAIN), enough = true;
	struct sidestep_workload *workload;
	struct sidestep_listener *listener;
	__u32 bytes = read - end->noted;

	end->noted = read;
	end->reads |= READ_PLAIN;
	workload = bpf_map_lookup_elem(&workloads, &end->workload);
	if (workload) {
		add_plain(&workload->habits, side, first, bytes);
		enough = seen_enough(&workload->habits);
	}
	listener =
		side == SIDESTEP_SERVER ? bpf_map_lookup_elem(&listeners, &pair->listener) : NULL;
	if (listener) {
		add_plain(&listener->habits, side, first, bytes);
		enough = enough && seen_enough(&listener->habits);
	}
	if (enough)
		end->reads |= READ_ENOUGH;
}

static __always_inline bool blocks_always(const struct sidestep_habits *habits)
{
	return habits && habits->blocking && !habits->plain;
}

static __always_inline bool believed(const struct sidestep_habits *habits)
{
	return habits && !habits->blocking && !habits->hazard && seen_enough(habits);
}

/* Nothing that one of its listeners shows speaks for it yet. */
static __always_inline bool is_stranger(const struct sidestep_workload *workload)
{
	__u32 known = workload->habits.known;

	if (known & KNOWN_WARY)
		return !seen_enough(&workload->habits);
	return !known && bpf_ktime_get_ns() - workload->habits.first_ns < MEET_NS;
}

/*
 * May this end be enrolled before it was seen to read? A workload that was seen to serve plainly speaks for a listener
 * of which nothing is known.
 */
static __always_inline bool believed_end(const struct sidestep_pair *pair, __u32 side)
{
	const struct sidestep_habits *habits = habits_of(pair, side);
	const struct sidestep_workload *workload =
		bpf_map_lookup_elem(&workloads, &pair->end[side & 1].workload);

	if (workload && is_stranger(workload))
		return false;
	if (side == SIDESTEP_CLIENT || !habits || believed(habits))
		return believed(habits);
	if (habits->blocking || habits->hazard)
		return false;
	return workload && believed(&workload->habits) &&
	       (workload->habits.known & KNOWN_SERVER || workload->habits.accepted);
}

/* This end has shown how it reads, and its workload for long enough. */
static __always_inline bool proven(const struct sidestep_endpoint *end)
{
	const struct sidestep_workload *workload = bpf_map_lookup_elem(&workloads, &end->workload);

	return end->reads & READ_PLAIN &&
	       (end->standing & STANDING_LENIENT || !workload || seen_enough(&workload->habits));
}

/* What the operator says of an end goes before what was learned of others like it. */
static __always_inline bool trusted(const struct sidestep_pair *pair, __u32 side)
{
	return pair->end[side & 1].standing & STANDING_TRUSTED;
}

static __always_inline bool known_good(const struct sidestep_pair *pair, __u32 side,
				       const struct sidestep_settings *set)
{
	return set->trust || trusted(pair, side) || believed_end(pair, side);
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
