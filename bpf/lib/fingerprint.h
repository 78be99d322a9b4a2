/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The pair id, rebuilt from what an open socket still knows. Its own first sequence number is snd_una less what was
 * acknowledged, where the SYN counts at the client only; its peer's is rcv_nxt less what was received, less one for the
 * SYN. A socket does not tell which side it is, so it has two candidates: a pair is where one's candidate as client is
 * another's as server.
 */
#ifndef SIDESTEP_FINGERPRINT_H
#define SIDESTEP_FINGERPRINT_H

#include "../include/layout.h"
#include "peek.h"

static __always_inline sidestep_pair_id pair_id(__u32 client_isn, __u32 server_isn)
{
	return (__u64)client_isn << 32 | server_isn;
}

static __always_inline sidestep_pair_id id_of(const struct tcp_sock *tp, __u32 side)
{
	__u32 own = see(tp, snd_una) - (__u32)see(tp, bytes_acked);
	__u32 peer = see(tp, rcv_nxt) - (__u32)see(tp, bytes_received) - 1;

	return side == SIDESTEP_CLIENT ? pair_id(own, peer) : pair_id(peer, own - 1);
}

#endif
