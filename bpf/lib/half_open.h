/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Handshakes under way, from the SYN until the server's end is established: an array of slots, each the address of a request socket, which
 * says all there is to know. Not a hash map: each connection that comes to a served program pays for it, whoever called, and what
 * is to be found in the cache must be small.
 *
 * Whoever comes later takes the slot: a flood takes slots, and nothing grows. Whose slot was taken stays on TCP. The number of the
 * server's handshake is secret, so that nobody can choose whose slot he takes. What a slot holds may be gone, and something else in its
 * memory: who reads it looks for both numbers of his own handshake there, before and after.
 *
 * Equal addresses in two network namespaces begin with equal numbers when both handshakes fall into the same 64 ns. Such a pair of
 * twins must not be joined crosswise. Who finds his own numbers in the slot that he takes empties it, and both stay on TCP; over
 * a loopback address both ends are in one namespace (at_home); and a server takes only a pair whose SYN came to its own namespace.
 */
#ifndef SIDESTEP_HALF_OPEN_H
#define SIDESTEP_HALF_OPEN_H

#include "../include/maps.h"
#include "fingerprint.h"
#include "gate.h"
#include "identity.h"

/* In a slot, beside the address: the client is on this host, and one such connection was followed a moment ago. */
#define GLANCED 1ULL

/* What a request says of its server. */
struct half_open {
	__u64 *slot;
	__u64 held;     /* by the slot */
	__u64 listener; /* address of the listening socket, for reads only */
	__u8 local[16]; /* behind any NAT */
	__u32 netns;    /* inode number */
	__u32 pad;
};

static __always_inline __u64 *slot_of(sidestep_pair_id id)
{
	/* Both numbers grow with the clock, and equal addresses in two namespaces begin alike: without this they would meet. */
	__u32 number = id * 0x9e3779b97f4a7c15ULL >> 32;
	__u32 slot = (__u64)number * mode.half_open_slots >> 32;

	return bpf_map_lookup_elem(&half_open, &slot);
}

static __always_inline sidestep_pair_id id_of_request(const struct tcp_request_sock *req)
{
	return pair_id(see(req, rcv_isn), see(req, snt_isn));
}

static __always_inline sidestep_pair_id id_in(__u64 held)
{
	return id_of_request(peek(held & ~GLANCED, struct tcp_request_sock));
}

static __always_inline void put_half_open(const struct sock *request)
{
	sidestep_pair_id id = id_of_request(peek(request, struct tcp_request_sock));
	__u64 *slot = slot_of(id), before;

	if (!slot)
		return;
	before = __sync_lock_test_and_set(slot, (__u64)request);
	if (before && (before & ~GLANCED) != (__u64)request && id_in(before) == id)
		*(volatile __u64 *)slot = 0;
}

/* NULL: no request of this handshake is known. */
static __always_inline __u64 *find_half_open(sidestep_pair_id id, __u64 *held)
{
	__u64 *slot = slot_of(id);

	*held = slot ? *(volatile __u64 *)slot : 0;
	return *held && id_in(*held) == id ? slot : NULL;
}

static __always_inline bool read_half_open(sidestep_pair_id id, struct half_open *half)
{
	const struct sock_common *request;

	half->slot = find_half_open(id, &half->held);
	if (!half->slot)
		return false;
	request = peek(half->held & ~GLANCED, struct sock_common);
	half->listener = (__u64)see(request, skc_listener);
	half->netns = see(request, skc_net.net, ns.inum);
	put_local(half->local, request);
	return id_in(half->held) == id;
}

/* Who calls a loopback address is in the namespace that the SYN came to, or the SYN is a twin's. */
static __always_inline bool at_home(const struct half_open *half, const struct sock_common *client)
{
	__u32 to[4] = {};
	bool v4, loopback;

	if (see(client, skc_family) == AF_INET)
		put_v4((__u8 *)to, see(client, skc_daddr));
	else
		put_v6((__u8 *)to, &client->skc_v6_daddr);
	v4 = to[2] == __builtin_bswap32(0x0000ffff);
	loopback = v4 ? (to[3] & __builtin_bswap32(0xff000000)) == __builtin_bswap32(0x7f000000)
		      : !to[2] && to[3] == __builtin_bswap32(1);
	return to[0] || to[1] || !loopback || half->netns == see(client, skc_net.net, ns.inum);
}

static __always_inline void replace_half_open(__u64 *slot, __u64 held, __u64 with)
{
	__sync_val_compare_and_swap(slot, held, with);
}

#endif
