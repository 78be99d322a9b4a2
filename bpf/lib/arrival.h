/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What came twice. A sender whose acknowledgement is late or lost sends again, and may then join what has arrived with
 * what has not: the packet begins before the place that its receiver has got to. TCP's own reader begins to read in the
 * middle of such a packet. The kernel's reader of sockets in a map takes the whole of it, so those bytes would come twice.
 *
 * Where the receiver has got to shows in the queue, whose order is that of the stream: behind the last packet that waits,
 * or, when none does, at copied_seq. A redirected message at the end of the queue means that none does, because it was
 * let in only when everything before it had been read. The caller holds the socket's lock.
 */
#ifndef SIDESTEP_ARRIVAL_H
#define SIDESTEP_ARRIVAL_H

#include "peek.h"

static __always_inline const struct tcp_skb_cb *place_of(const struct sk_buff *packet)
{
	return peek(&packet->cb, struct tcp_skb_cb);
}

/* The number of the first byte that is not in the queue yet. */
static __always_inline __u32 next_due(const struct sock *sk, const struct sk_psock *psock)
{
	const struct list_head *last = see(psock, ingress_msg.prev);
	const struct sk_buff *packet = NULL;

	if (see(psock, ingress_skb.qlen)) {
		packet = see(psock, ingress_skb.prev);
	} else if (last != &psock->ingress_msg) {
		unsigned long message =
			(unsigned long)last - bpf_core_field_offset(struct sk_msg, list);

		packet = see(peek(message, struct sk_msg), skb);
	}
	if (packet)
		return see(place_of(peek(packet, struct sk_buff)), end_seq);
	return see(peek(sk, struct tcp_sock), copied_seq);
}

/* How many bytes at the start of this packet are in the queue already, or were read. */
static __always_inline __u32 repeated(const struct sk_buff *packet, const struct sock *sk)
{
	const struct sk_psock *psock = psock_of(sk);
	__s32 bytes;

	if (!psock)
		return 0;
	bytes = (__s32)(next_due(sk, psock) - see(place_of(packet), seq));
	return bytes > 0 ? (__u32)bytes : 0;
}

#endif
