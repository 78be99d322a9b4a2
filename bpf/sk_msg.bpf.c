// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* SK_MSG: the hot path. One message that an enrolled socket sends: around the TCP stack, or through it. */
#include "include/kernel.h"
#include "include/maps.h"
#include "lib/count.h"
#include "lib/gate.h"
#include "lib/habits.h"
#include "lib/placement.h"
#include "lib/states.h"
#include "lib/waits.h"

static __always_inline bool for_good(__u32 reason)
{
	return reason == REASON_BLOCKING || reason == REASON_ULP;
}

/* Such an end can never be served: say so once and let the agent take the pair out of the map. */
static __always_inline void leave(struct sidestep_pair *pair, sidestep_pair_id id, __u32 reason)
{
	__u32 blocker = SIDESTEP_CLIENT;

	if (reason == REASON_BLOCKING && !settled(pair))
		return;
	if (refuses_blocking(pair, SIDESTEP_SERVER,
			     peek(pair->end[SIDESTEP_SERVER].sk, struct sock)))
		blocker = SIDESTEP_SERVER;
	if (reason == REASON_BLOCKING)
		note_read(pair, blocker, READ_BLOCKING);
	send_back(pair, id, reason);
}

/*
 * Who keeps a table of connections on the way (conntrack, NAT, a firewall) sees nothing of what goes around it, and
 * forgets a connection that seems idle: a half-closed one after a minute. So now and then one message takes TCP.
 */
static __always_inline bool due_for_tcp(struct sidestep_endpoint *end,
					const struct sidestep_settings *set, __u64 now)
{
	if (!end->tcp_ns)
		end->tcp_ns = now;
	return set->refresh_ms && now - end->tcp_ns > set->refresh_ms * 1000000ULL;
}

SEC("sk_msg")
int sidestep_sk_msg(struct sk_msg_md *msg)
{
	__u32 zero = 0, size = msg->size, reason, side;
	struct sidestep_end_key peer = {};
	struct bpf_sock *sk = msg->sk;
	struct sidestep_settings *set;
	struct sidestep_endpoint *end;
	struct sidestep_flow *flow;
	struct sidestep_pair *pair;
	__u64 now;

	set = bpf_map_lookup_elem(&settings, &zero);
	flow = sk ? bpf_sk_storage_get(&flows, sk, NULL, 0) : NULL;
	pair = flow ? bpf_map_lookup_elem(&pairs, &flow->id) : NULL;
	if (!set || !flow || !pair) {
		/* A connection that has been reset has a record and no pair any more; TCP gives the error. */
		count_message(flow ? REASON_PEER_GONE : REASON_UNTRACKED, size);
		return SK_PASS;
	}
	side = flow->side & 1;
	end = &pair->end[side];
	peer.id = flow->id;
	peer.side = other(side);

	now = bpf_ktime_get_coarse_ns();
	reason = gate(peek_own(sk, end->sk), pair, side, size, set);

	if (reason == REASON_REDIRECTED && due_for_tcp(end, set, now))
		reason = REASON_REFRESH;

	/* The look-up inside the helper is what makes the reads of the gate sound: a peer that is still in the map under
	 * this key is the socket that was read. Its refusal is never ours to return: SK_DROP would become EACCES. */
	if (reason == REASON_REDIRECTED &&
	    bpf_msg_redirect_hash(msg, &sockets, &peer, BPF_F_INGRESS) != SK_PASS)
		reason = REASON_PEER_GONE;

	if (reason == REASON_REDIRECTED) {
		if (mode.times_waits)
			begin_wait(&peer, peek(pair->end[other(side)].sk, struct sock),
				   end->sent.redirected_messages);
		end->sent.redirected_bytes += size;
		end->sent.redirected_messages++;
	} else {
		end->sent.passed_bytes += size;
		end->sent.passed_messages++;
		end->last_reason = reason;
		end->tcp_ns = now;
		if (for_good(reason) && pair->state == PAIR_ACTIVE)
			leave(pair, flow->id, reason);
	}
	count_message(reason, size);
	if (pair->state == PAIR_ACTIVE &&
	    streams(pair, side, size, reason != REASON_REDIRECTED, set))
		leave_as_stream(pair, flow->id, set);
	return SK_PASS;
}
