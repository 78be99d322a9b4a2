/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Two datagram sockets with one local address may ask for different services and be given one endpoint. They would be
 * twins, and only the newer one would get any answer (lb-udp-twins).
 */
#ifndef SIDESTEP_MESH_TWIN_H
#define SIDESTEP_MESH_TWIN_H

#include "../include/mesh_layout.h"
#include "../include/kernel.h"
#include <bpf/bpf_helpers.h>

/* Only of a socket that is bound to an address and a port: otherwise the kernel gives it a port of its own. */
static __always_inline bool has_twin4(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
				      const struct mesh_pick *pick)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *found;
	bool twin;

	if (!sk || !sk->src_port || !sk->src_ip4)
		return false;
	tuple.ipv4.saddr = pick->given.word[3];
	tuple.ipv4.sport = pick->given_port;
	tuple.ipv4.daddr = sk->src_ip4;
	tuple.ipv4.dport = __builtin_bswap16(sk->src_port);
	found = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!found)
		return false;
	twin = found->dst_port == pick->given_port && found->dst_ip4 == pick->given.word[3];
	bpf_sk_release(found);
	return twin;
}

#endif
