/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * SYNs received here and not yet established: an array of slots, not a hash map, because each connection that comes to a served
 * program pays for it, whoever called, and a hash map with eviction costs several times as much to enter and to leave.
 *
 * Whoever comes later takes the slot: a flood takes slots, and nothing grows. Whose slot was taken stays on TCP. The number of the
 * server's handshake is secret, so that nobody can choose whose slot he takes. Two that write one slot at the same moment lose
 * the second; who reads a slot knows from its id, before and after, that what he read is of one handshake.
 */
#ifndef SIDESTEP_HALF_OPEN_H
#define SIDESTEP_HALF_OPEN_H

#include "../include/maps.h"
#include "gate.h"
#include "identity.h"

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

	if (!slot || __sync_lock_test_and_set(&slot->busy, 1))
		return;
	/* Each a barrier: nobody sees this id with what another handshake left. */
	__sync_lock_test_and_set(&slot->id, 0);
	slot->listener = (__u64)see(request, skc_listener);
	slot->glanced = 0;
	__builtin_memset(slot->local, 0, sizeof(slot->local));
	put_local(slot->local, request);
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
	__builtin_memcpy(copy->local, slot->local, sizeof(copy->local));
	return __sync_fetch_and_add(&slot->id, 0) == id ? slot : NULL;
}

static __always_inline void free_half_open(struct sidestep_half_open *slot, sidestep_pair_id id)
{
	__sync_val_compare_and_swap(&slot->id, id, 0);
}

#endif
