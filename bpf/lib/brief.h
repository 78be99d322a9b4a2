/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Never slower: to enter the map and to leave it again costs what several round trips gain. Where the connections of a
 * listener end sooner than that, the next ones begin on TCP; one that goes on is adopted from there. How long they last
 * is kept for each listener as a running mean, over those on either path.
 *
 * Of brief ones only one in `follow` is followed: it is given a record, is judged, and its end is heard of. The others are
 * counted, and cost their ends nothing. What the one carried stands for those before it.
 */
#ifndef SIDESTEP_BRIEF_H
#define SIDESTEP_BRIEF_H

#include "../include/maps.h"
#include "peek.h"
#include "placement.h"

/* So many must have closed before the mean says anything. */
#define ENOUGH_ENDED 32U

/* The mean is kept in so many parts of a turn, and a new connection counts for one of them. */
#define PARTS 16U

/* A long one among short ones counts as no more than this. */
#define MOST_TURNS 64U

/* Whose connections end so soon that the next one had better begin on TCP. */
static __always_inline bool is_brief(const struct sidestep_pair *pair,
				     const struct sidestep_settings *set)
{
	const struct sidestep_listener *listener =
		set->brief_turns ? bpf_map_lookup_elem(&listeners, &pair->listener) : NULL;

	return listener && listener->ended >= ENOUGH_ENDED &&
	       listener->turns <= set->brief_turns * PARTS;
}

/* Whether this connection is one of those that need not be followed. */
static __always_inline bool at_a_glance(struct sidestep_listener *listener,
					const struct sidestep_settings *set)
{
	if (!listener || !listener->glances || !set->brief_turns)
		return false;
	listener->glances--;
	__sync_fetch_and_add(&listener->glanced, 1);
	return true;
}

/* This one is followed and was judged: so will be those that come next. */
static __always_inline void follow(struct sidestep_pair *pair, struct sidestep_listener *listener,
				   __u32 reason, const struct sidestep_settings *set)
{
	if (!listener)
		return;
	pair->glanced = __sync_lock_test_and_set(&listener->glanced, 0);
	listener->glances = reason == REASON_BRIEF ? set->follow - 1 : 0;
}

/* Once a second for each listener: it is enough that the agent looks after them at all. */
static __always_inline bool brief_is_news(const struct sidestep_pair *pair)
{
	struct sidestep_listener *listener = bpf_map_lookup_elem(&listeners, &pair->listener);
	__u64 now = bpf_ktime_get_ns();

	if (!listener || now - listener->told_ns < 1000000000ULL)
		return false;
	listener->told_ns = now;
	return true;
}

/* What this end has sent in all, while its socket can still tell. A message that passed counts on both sides. */
static __always_inline void note_length(struct sidestep_endpoint *end, const struct sock *sk)
{
	end->segments = messages_of(end) + segments_of(sk);
}

/* Both ends have closed. Two that write at once lose one of the two changes, which a mean can bear. */
static __always_inline void note_turns(const struct sidestep_pair *pair)
{
	struct sidestep_listener *listener = bpf_map_lookup_elem(&listeners, &pair->listener);
	__u32 turns = pair->end[SIDESTEP_CLIENT].segments;

	if (!listener)
		return;
	if (pair->end[SIDESTEP_SERVER].segments < turns)
		turns = pair->end[SIDESTEP_SERVER].segments;
	if (turns > MOST_TURNS)
		turns = MOST_TURNS;
	if (listener->ended)
		listener->turns += turns - listener->turns / PARTS;
	else
		listener->turns = turns * PARTS;
	if (listener->ended < ENOUGH_ENDED)
		listener->ended++;
}

/* It began as a brief one: has it gone on for longer, or is it to be one of many no more? */
static __always_inline bool goes_on(const struct sidestep_pair *pair,
				    const struct sidestep_settings *set)
{
	__u32 most = set->brief_turns * 2;

	return !set->brief_turns ||
	       (segments_of(peek(pair->end[SIDESTEP_CLIENT].sk, struct sock)) > most &&
		segments_of(peek(pair->end[SIDESTEP_SERVER].sk, struct sock)) > most);
}

#endif
