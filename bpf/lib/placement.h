/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Never slower: a one-way stream of small messages is better off on TCP, which joins them, than in the map, where each
 * one wakes the reader. Conversations are the other way round. Which one a pair holds shows in what it sends.
 */
#ifndef SIDESTEP_PLACEMENT_H
#define SIDESTEP_PLACEMENT_H

#include "../include/maps.h"
#include "count.h"
#include "peek.h"
#include "states.h"

/* Segments of both ends together that a stream on TCP must send before it is looked at again. */
#define SEGMENTS_TO_JUDGE 64U

/* At least one segment of either end in so many makes a conversation. */
#define CONVERSATION 5U

/* Each return makes the next stay on TCP twice as long, up to 64 times. */
#define MOST_DOUBLINGS 6U

/* Messages of up to 32 KiB count as one, larger ones as more: a run is not to take longer because they are large. */
#define LARGE_SHIFT 15

static __always_inline __u32 messages_of(const struct sidestep_endpoint *end)
{
	return (__u32)end->sent.redirected_messages + (__u32)end->sent.passed_messages;
}

/* So many runs in a row: a reader that only has to catch up once does that sooner. */
#define PASSING_RUNS 16U

/* Is it fast, and small enough to be joined? Or did most of it take TCP anyway, from within the map at double cost? */
static __always_inline bool better_on_tcp(struct sidestep_endpoint *end, __u64 took_ns,
					  const struct sidestep_settings *set)
{
	if (end->streak_passed <= end->streak / 2)
		end->passing = 0;
	else if (++end->passing >= PASSING_RUNS)
		return true;
	return took_ns <= set->stream_ns &&
	       end->streak_bytes <= (__u64)set->stream_bytes * end->streak;
}

static __always_inline void begin_streak(struct sidestep_endpoint *end, __u64 now)
{
	end->streak = 0;
	end->streak_bytes = 0;
	end->streak_passed = 0;
	end->streak_ns = now;
}

/*
 * Is this end a stream that is better off on TCP? Asked for each message, after it was counted: a few words of the pair's
 * own row, and the clock only once in `stream_messages`. Two such runs in a row without a word from the other end are
 * needed, so that the time between them is known.
 */
static __always_inline bool streams(struct sidestep_pair *pair, __u32 side, __u32 size, bool passed,
				    const struct sidestep_settings *set)
{
	struct sidestep_endpoint *end = &pair->end[side & 1];
	__u32 heard = messages_of(&pair->end[other(side)]);
	__u32 count = 1 + (size >> LARGE_SHIFT);
	__u64 now, since;
	bool better;

	if (heard != end->heard) {
		end->heard = heard;
		begin_streak(end, 0);
		end->passing = 0;
		return false;
	}
	end->streak_bytes += size;
	end->streak_passed += passed ? count : 0;
	end->streak += count;
	if (end->streak < set->stream_messages || !set->stream_messages)
		return false;
	now = bpf_ktime_get_ns();
	since = end->streak_ns;
	better = since && better_on_tcp(end, now - since, set);
	begin_streak(end, now);
	return better;
}

static __always_inline __u64 stay(const struct sidestep_pair *pair,
				  const struct sidestep_settings *set)
{
	__u32 doublings = pair->streams ? pair->streams - 1 : 0;

	return set->stay_ns << (doublings < MOST_DOUBLINGS ? doublings : MOST_DOUBLINGS);
}

static __always_inline void count_stream(bool back)
{
	struct sidestep_counters *c = counters_of_this_cpu();

	if (!c)
		return;
	if (back)
		c->streams_back++;
	else
		c->streams_left++;
}

/* To TCP: it passes from now on, and leaves the map by the rules of retiring. */
static __always_inline void leave_as_stream(struct sidestep_pair *pair, sidestep_pair_id id,
					    const struct sidestep_settings *set)
{
	__u64 now = bpf_ktime_get_ns();

	/* Whoever conversed for far longer than it had to stay away begins anew. */
	if (now - pair->left_ns > stay(pair, set) * 16)
		pair->streams = 0;
	if (pair->streams < (1U << 15))
		pair->streams++;
	pair->left_ns = now;
	pair->end[SIDESTEP_CLIENT].segments = 0;
	pair->end[SIDESTEP_SERVER].segments = 0;
	count_stream(false);
	send_back(pair, id, REASON_STREAM);
}

/*
 * What TCP carried since the last look, in segments: nobody sees messages there. A stream that TCP joins has few of
 * them, with few answers; what talks has about as many each way.
 */
static __always_inline bool converses(struct sidestep_pair *pair, const struct sock *client,
				      const struct sock *server)
{
	__u32 now[2] = {
		segments_of(client),
		segments_of(server),
	};
	__u32 sent[2] = {
		now[0] - pair->end[SIDESTEP_CLIENT].segments,
		now[1] - pair->end[SIDESTEP_SERVER].segments,
	};
	bool first = !pair->end[SIDESTEP_CLIENT].segments && !pair->end[SIDESTEP_SERVER].segments;
	__u32 all = sent[0] + sent[1], less = sent[0] < sent[1] ? sent[0] : sent[1];

	if (!first && all < SEGMENTS_TO_JUDGE)
		return false;
	pair->end[SIDESTEP_CLIENT].segments = now[0];
	pair->end[SIDESTEP_SERVER].segments = now[1];
	return !first && less >= all / CONVERSATION;
}

/* A stream on TCP: is it one still? Back means to be adopted as a connection that was just learned. */
static __always_inline void place_again(struct sidestep_pair *pair,
					const struct sidestep_settings *set,
					struct sidestep_refreshed *found)
{
	const struct sock *client = peek(pair->end[SIDESTEP_CLIENT].sk, struct sock);
	const struct sock *server = peek(pair->end[SIDESTEP_SERVER].sk, struct sock);

	if (!pair->accelerated)
		return;
	if (pair->state == PAIR_TCP && pair->reason == REASON_STREAM &&
	    (!set->stream_messages || (bpf_ktime_get_ns() - pair->left_ns >= stay(pair, set) &&
				       converses(pair, client, server)))) {
		count_stream(true);
		pair->reason = REASON_LEARNING;
	}
	found->streams += pair->reason == REASON_STREAM;
}

#endif
