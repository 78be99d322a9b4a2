/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The order-safe gate: may this message step around TCP?
 *
 * The kernel's reader serves redirected bytes before bytes that came by TCP. So a message may be redirected only when
 * every byte that was ever sent over TCP in this direction has been read: peer.copied_seq == own.write_seq.
 * The caller holds the sender's lock, so nobody else can move write_seq; copied_seq only grows towards it.
 * Hence no state machine and no race: what is true here stays true until this same sender passes a message.
 */
#ifndef SIDESTEP_GATE_H
#define SIDESTEP_GATE_H

#include "../include/maps.h"
#include "habits.h"
#include "peek.h"

static __always_inline bool settled(const struct sidestep_pair *pair)
{
	return bpf_ktime_get_ns() - pair->opened_ns > SIDESTEP_SETTLE_NS;
}

/* Set before the load. */
const volatile struct sidestep_mode mode SEC(".rodata.mode") = {};

/* Not joined with what stands around it: so the verifier can take it out of the other mode. */
static __always_inline bool too_much_to_overlook(__u32 bytes)
{
	asm volatile("" : "+r"(bytes));
	return bytes > mode.split_bytes;
}

static __always_inline __u32 gate(const struct sock *own, const struct sidestep_pair *pair,
				  __u32 side, __u32 size, const struct sidestep_settings *set)
{
	const struct tcp_sock *own_tcp = peek(own, struct tcp_sock);
	const struct tcp_sock *peer_tcp;
	const struct sock *peer;
	__u32 unread;

	if (!set->enabled)
		return REASON_DISABLED;
	if (set->observe)
		return REASON_OBSERVED;
	if (pair->state != PAIR_ACTIVE)
		return pair->state == PAIR_HALF ? REASON_PEER_PENDING : pair->reason;
	peer = peek(pair->end[(side ^ 1) & 1].sk, struct sock);
	peer_tcp = peek(peer, struct tcp_sock);

	if (see(peer_tcp, copied_seq) != see(own_tcp, write_seq))
		return REASON_UNREAD_TCP;

	/* Charged bytes bound the queue, as the receive buffer does for TCP (dp-slow-reader-not-charged). */
	unread = see(peer, sk_backlog.rmem_alloc.counter);
	if (unread && (unread >= set->queue_bytes || unread >= (__u32)see(peer, sk_rcvbuf) / 2))
		return REASON_QUEUE_FULL;
	if (mode.split_bytes && too_much_to_overlook(unread + size))
		return REASON_FIONREAD;

	/* A redirect would get round both: TCP refuses such a send, or answers it with a reset. */
	if (see(own, sk_shutdown) & SEND_SHUTDOWN || see(peer, sk_shutdown) & RCV_SHUTDOWN)
		return REASON_SHUT_DOWN;
	if (!see(peer, sk_socket))
		return REASON_NOT_ACCEPTED;
	if (refuses_blocking(pair, side ^ 1, peer) || refuses_blocking(pair, side, own))
		return REASON_BLOCKING;
	if (pair->ulp_asked && (uses_ulp(own_tcp) || uses_ulp(peer_tcp)))
		return REASON_ULP;
	return REASON_REDIRECTED;
}

#endif
