/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The end of a connection: its totals join those of its service edge, so that nothing counted is lost at close. */
#ifndef SIDESTEP_TOTALS_H
#define SIDESTEP_TOTALS_H

#include "brief.h"
#include "count.h"
#include "habits.h"
#include "peek.h"
#include "states.h"

static __always_inline void add(__u64 *sum, __u64 value)
{
	if (value)
		__sync_fetch_and_add(sum, value);
}

/* One that stayed brief stands for those that nobody followed. */
static __always_inline __u64 stands_for(const struct sidestep_pair *pair)
{
	return pair->state == PAIR_TCP && pair->reason == REASON_BRIEF ? pair->glanced + 1 : 1;
}

static __always_inline void add_to_edge(const struct sidestep_pair *pair, __u32 side, bool last)
{
	struct sidestep_edge_key key = { .port = pair->end[SIDESTEP_SERVER].port };
	const struct sidestep_traffic *sent = &pair->end[side & 1].sent;
	struct sidestep_edge *edge, none = {};

	__builtin_memcpy(key.client, pair->end[SIDESTEP_CLIENT].comm, SIDESTEP_COMM);
	__builtin_memcpy(key.server, pair->end[SIDESTEP_SERVER].comm, SIDESTEP_COMM);
	edge = bpf_map_lookup_elem(&edges, &key);
	if (!edge) {
		if (bpf_map_update_elem(&edges, &key, &none, BPF_NOEXIST) == -E2BIG) {
			/* Full: everything further is one edge, so that the number of series stays bounded. */
			__builtin_memset(&key, 0, sizeof(key));
			bpf_map_update_elem(&edges, &key, &none, BPF_NOEXIST);
		}
		edge = bpf_map_lookup_elem(&edges, &key);
		if (!edge)
			return;
	}
	add(&edge->sent[side & 1].redirected_bytes, sent->redirected_bytes);
	add(&edge->sent[side & 1].redirected_messages, sent->redirected_messages);
	add(&edge->sent[side & 1].passed_bytes, sent->passed_bytes * stands_for(pair));
	add(&edge->sent[side & 1].passed_messages, sent->passed_messages * stands_for(pair));
	if (!last)
		return;
	add(&edge->connections, pair->glanced + 1);
	add(&edge->accelerated, pair->accelerated);
}

/* Payload that TCP carried, also of a socket that was never, or not always, in the map and so unseen by SK_MSG. */
static __always_inline __u64 carried_by_tcp(const struct sock *sk)
{
	const struct tcp_sock *tp = peek(sk, struct tcp_sock);

	return see(tp, bytes_sent) - see(tp, bytes_retrans);
}

/*
 * close() with bytes unread. TCP sends a reset, but only for what is in its own queue: bytes in the psock are thrown
 * away behind an ordinary FIN, and a writer that waits for room would wait for ever. The agent resets it instead.
 * close() takes the psock off the socket before TCP changes state, and frees it later: the address kept at enrolment
 * still tells what was in it. A psock that is still there means shutdown(), which loses nothing.
 */
static __always_inline void notice_unread(struct sidestep_pair *pair, sidestep_pair_id id,
					  __u32 side, const struct sock *sk)
{
	struct sidestep_endpoint *end = &pair->end[side & 1];
	struct sidestep_counters *c = counters_of_this_cpu();
	const struct sk_psock *psock;

	if (!end->psock || see(sk, sk_user_data))
		return;
	psock = peek(end->psock, struct sk_psock);
	end->psock = 0;
	if (!c || !holds_bytes(psock))
		return;
	c->closed_unread++;
	if (pair->closed)
		return;
	end->reads |= READ_ABANDONED;
	send_back(pair, id, REASON_UNREAD_CLOSE);
}

static __always_inline void end_closing(struct bpf_sock *socket, const struct sock *sk)
{
	struct sidestep_flow *flow = bpf_sk_storage_get(&flows, socket, NULL, 0);
	struct sidestep_pair *pair = flow ? bpf_map_lookup_elem(&pairs, &flow->id) : NULL;

	if (pair)
		notice_unread(pair, flow->id, flow->side, sk);
}

/* A connection that was over before anything was decided: an end that only ever blocked says so now. */
static __always_inline void learned_at_close(struct sidestep_pair *pair)
{
	/* It was counted then, and waited to come back. */
	if (pair->accelerated)
		return;
	pair->reason = REASON_LEARNING;
	for (__u32 side = 0; side < 2; side++) {
		struct sidestep_habits *habits = habits_of(pair, side);

		if (!(pair->end[side].reads & READ_EARLY) || pair->end[side].reads & READ_PLAIN)
			continue;
		pair->reason = REASON_BLOCKING;
		if (habits)
			note(habits, READ_BLOCKING, 0);
	}
	count_connection(pair->reason);
}

/* What would have been redirected. Segments stand for messages: TCP may have joined some. */
static __always_inline void count_observed(__u64 bytes, __u32 segments)
{
	struct sidestep_counters *c = counters_of_this_cpu();

	if (!c)
		return;
	c->messages[REASON_OBSERVED] += segments;
	c->bytes[REASON_OBSERVED] += bytes;
}

/* This end is over, and TCP has carried so much for it. True: so is the pair, and its row has gone. */
static __always_inline bool end_over(struct sidestep_pair *pair, sidestep_pair_id id, __u32 side,
				     __u64 carried)
{
	struct sidestep_traffic *sent = &pair->end[side & 1].sent;
	__u32 bit = 1U << (side & 1), before;

	before = __sync_fetch_and_or(&pair->closed, bit);
	if (before & bit)
		return false;
	if (pair->end[side & 1].reads & READ_CONDEMNED)
		count_reset();
	if (carried > sent->passed_bytes)
		sent->passed_bytes = carried;
	/* A client whose server end was never established is the only end. */
	if (side == SIDESTEP_CLIENT && !pair->end[SIDESTEP_SERVER].sk)
		before |= 1U << SIDESTEP_SERVER;
	add_to_edge(pair, side, before != 0);
	if (!before)
		return false;
	note_turns(pair);
	if (pair->state == PAIR_TCP && pair->reason == REASON_LEARNING)
		learned_at_close(pair);
	else if (pair->state == PAIR_TCP && pair->reason == REASON_BRIEF)
		count_connection(REASON_BRIEF);
	emit(id, EVENT_CLOSE, pair->reason, &pair->end[SIDESTEP_CLIENT].sent,
	     &pair->end[SIDESTEP_SERVER].sent);
	bpf_map_delete_elem(&pairs, &id);
	return true;
}

static __always_inline void end_closed(struct bpf_sock *socket, const struct sock *sk)
{
	struct sidestep_flow *flow = bpf_sk_storage_get(&flows, socket, NULL, 0);
	struct sidestep_pair *pair;
	__u64 carried;

	if (!flow)
		return;
	pair = bpf_map_lookup_elem(&pairs, &flow->id);
	if (!pair || pair->closed & (1U << (flow->side & 1)))
		return;
	notice_unread(pair, flow->id, flow->side, sk);
	carried = carried_by_tcp(sk);
	note_length(&pair->end[flow->side & 1], sk);
	if (pair->reason == REASON_OBSERVED && pair->state == PAIR_TCP)
		count_observed(carried, segments_of(sk));
	end_over(pair, flow->id, flow->side, carried);
}

#endif
