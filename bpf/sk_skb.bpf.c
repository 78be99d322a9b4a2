// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * SK_SKB: one queue. Bytes that reach an enrolled socket over TCP join the queue that redirected bytes use, so that
 * order and FIONREAD are right however the two mix (dp-fionread-zero-tx-only). What came before is cut off.
 */
#include "include/kernel.h"
#include "lib/arrival.h"
#include "lib/count.h"
#include "lib/fingerprint.h"
#include "lib/states.h"

/* The helper takes less than a page at a time, and a packet holds less than this times that. */
#define MOST_AT_ONCE 4095U
#define MOST_CUTS 160

static __always_inline bool cut_off(struct __sk_buff *skb, __u32 bytes)
{
	for (int i = 0; i < MOST_CUTS && bytes; i++) {
		__u32 now = bytes < MOST_AT_ONCE ? bytes : MOST_AT_ONCE;

		if (bpf_skb_adjust_room(skb, -(__s32)now, 0, 0))
			return false;
		bytes -= now;
	}
	return !bytes;
}

/* Bytes of it are lost: its reader gets an error, never a stream with a hole. */
static __always_inline void give_up(const struct sock *sk)
{
	for (__u32 side = 0; side < 2; side++) {
		sidestep_pair_id id = id_of(peek(sk, struct tcp_sock), side);
		struct sidestep_pair *pair = bpf_map_lookup_elem(&pairs, &id);

		if (!pair || pair->end[side].sk != (__u64)sk)
			continue;
		pair->end[side].reads |= READ_TORN;
		send_back(pair, id, REASON_NO_MEMORY);
	}
}

SEC("sk_skb/stream_verdict")
int sidestep_sk_skb(struct __sk_buff *skb)
{
	const struct sk_buff *packet = peek(kernel_context(skb), struct sk_buff);
	struct sidestep_counters *c = counters_of_this_cpu();
	const struct sock *sk = see(packet, sk);
	__u32 before = repeated(packet, sk);

	if (c) {
		c->tcp_in_messages++;
		c->tcp_in_bytes += skb->len;
		c->tcp_repeated_bytes += before;
	}
	if (!before || cut_off(skb, before))
		return SK_PASS;
	give_up(sk);
	return SK_DROP;
}
