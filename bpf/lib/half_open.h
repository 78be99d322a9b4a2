/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * SYNs received here and not yet established: an array of slots, not a hash map, because each connection that comes to a served
 * program pays for it, whoever called, and a hash map with eviction costs several times as much to enter and to leave.
 *
 * Whoever comes later takes the slot: a flood takes slots, and nothing grows. Whose slot was taken stays on TCP. The number of the
 * server's handshake is secret, so that nobody can choose whose slot he takes. Two that write one slot at the same moment lose
 * both; who reads a slot knows from its id, before and after, that what he read is of one handshake.
 *
 * Equal addresses in two network namespaces begin with equal numbers when both handshakes fall into the same 64 ns. Such a pair of
 * twins must not be joined crosswise. Who finds his own id in a slot that he wants to write takes it out, and both stay on TCP; over
 * a loopback address both ends are in one namespace (at_home); and a server takes only a pair whose SYN came to its own namespace.
 */
#ifndef SIDESTEP_HALF_OPEN_H
#define SIDESTEP_HALF_OPEN_H

#include "../include/maps.h"
#include "gate.h"
#include "identity.h"

/* busy */
#define WRITING 1U
#define CONTESTED 2U /* and somebody else came meanwhile */

static __always_inline struct sidestep_half_open *slot_of(sidestep_pair_id id)
{
	/* Both numbers grow with the clock, and equal addresses in two namespaces begin alike: without this they would meet. */
	__u32 number = id * 0x9e3779b97f4a7c15ULL >> 32;
	__u32 slot = (__u64)number * mode.half_open_slots >> 32;

	return bpf_map_lookup_elem(&half_open, &slot);
}

static __always_inline void put_half_open(sidestep_pair_id id, const struct sock_common *request)
{
	struct sidestep_half_open *slot = slot_of(id);

	if (!slot)
		return;
	/* What the first writes is void: both may have the same id. */
	if (__sync_val_compare_and_swap(&slot->busy, 0, WRITING)) {
		__sync_val_compare_and_swap(&slot->busy, WRITING, CONTESTED);
		return;
	}
	/* Each a barrier: nobody sees this id with what another handshake left. */
	if (__sync_lock_test_and_set(&slot->id, 0) == id) {
		*(volatile __u32 *)&slot->busy = 0;
		return;
	}
	slot->listener = (__u64)see(request, skc_listener);
	slot->glanced = 0;
	__builtin_memset(slot->local, 0, sizeof(slot->local));
	put_local(slot->local, request);
	slot->netns = see(request, skc_net.net, ns.inum);
	if (__sync_val_compare_and_swap(&slot->busy, WRITING, WRITING) == WRITING)
		__sync_lock_test_and_set(&slot->id, id);
	*(volatile __u32 *)&slot->busy = 0;
}

/* The slot, if it is of this handshake, and a copy of it. */
static __always_inline struct sidestep_half_open *get_half_open(sidestep_pair_id id,
								struct sidestep_half_open *copy)
{
	struct sidestep_half_open *slot = slot_of(id);

	if (!slot || __sync_fetch_and_add(&slot->id, 0) != id)
		return NULL;
	copy->listener = slot->listener;
	copy->glanced = slot->glanced;
	copy->netns = slot->netns;
	__builtin_memcpy(copy->local, slot->local, sizeof(copy->local));
	return __sync_fetch_and_add(&slot->id, 0) == id ? slot : NULL;
}

/* Who calls a loopback address is in the namespace that the SYN came to, or the SYN is a twin's. */
static __always_inline bool at_home(const struct sidestep_half_open *half,
				    const struct sock_common *client)
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

static __always_inline void free_half_open(struct sidestep_half_open *slot, sidestep_pair_id id)
{
	__sync_val_compare_and_swap(&slot->id, id, 0);
}

#endif
