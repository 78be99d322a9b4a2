// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * SK_SKB: one queue. Bytes that reach an enrolled socket over TCP join the queue that redirected bytes use, so that
 * order and FIONREAD are right however the two mix (dp-fionread-zero-tx-only). Always passes, never edits.
 */
#include "include/kernel.h"
#include "lib/count.h"

SEC("sk_skb/stream_verdict")
int sidestep_sk_skb(struct __sk_buff *skb)
{
	struct sidestep_counters *c = counters_of_this_cpu();

	if (c) {
		c->tcp_in_messages++;
		c->tcp_in_bytes += skb->len;
	}
	return SK_PASS;
}
