/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The policies: each searches `count` slots from `first` on and leaves what it found in `best`; 0 when there is nobody.
 * The loops are callbacks of bpf_loop, which the verifier walks once and not once for each turn.
 */
#ifndef SIDESTEP_MESH_POLICY_H
#define SIDESTEP_MESH_POLICY_H

#include "mesh_cost.h"
#include "mesh_ready.h"
#include "unknown.h"

#define DRAWS 5U
#define SWEEP 64U
#define SCAN 32U

#define ON 0
#define DONE 1

/* Whoever is willing ends the search; who takes connections only if it must is kept in mind. */
static __always_inline long consider(struct choice *c, __u32 endpoint, __u32 lucky)
{
	__u32 ready = readiness(c, endpoint, lucky);

	if (ready > c->ready) {
		c->best = endpoint;
		c->ready = ready;
	}
	return ready == WILLING ? DONE : ON;
}

/* When luck found nobody: whoever comes first. */
static long sweep_step(__u32 i, struct choice *c)
{
	const struct mesh_row *row = row_of(c, c->first + (c->start + i) % c->count);

	return row ? consider(c, row->slot.endpoint, 0) : DONE;
}

static __always_inline void sweep(struct choice *c)
{
	c->start = bpf_get_prandom_u32();
	bpf_loop(c->count < SWEEP ? c->count : SWEEP, sweep_step, c, 0);
}

/* Exact weights in constant time: each slot is shared by at most two endpoints (Vose's alias method). */
static long weight_step(__u32 i, struct choice *c)
{
	const struct mesh_row *row = row_of(c, c->first + bpf_get_prandom_u32() % c->count);

	if (!row)
		return DONE;
	return consider(
		c, bpf_get_prandom_u32() <= row->slot.keep ? row->slot.endpoint : row->slot.alias,
		luck());
}

static long turn_step(__u32 i, struct choice *c)
{
	__u64 turn = __sync_fetch_and_add(&c->service->next, 1);
	const struct mesh_row *row = row_of(c, c->first + turn % c->count);

	return row ? consider(c, row->slot.endpoint, luck()) : DONE;
}

/* The fewest connections, or the lowest cost, for its weight; of SCAN neighbours when there are more. */
static long least_step(__u32 i, struct choice *c)
{
	const struct mesh_row *row = row_of(c, c->first + (c->start + i) % c->count);
	const struct mesh_endpoint *endpoint;
	const struct mesh_load *load;
	__u32 number, ready;
	__u64 weight, score;

	if (!row)
		return DONE;
	number = row->slot.endpoint;
	endpoint = bpf_map_lookup_elem(&endpoints, &number);
	if (!is_up(endpoint))
		return ON;
	load = bpf_map_lookup_elem(&loads, &number);
	ready = is_ejected(c, load) ? IF_MUST : WILLING;
	if (ready < c->ready)
		return ON;
	weight = (__u64)endpoint->weight * warmth(c, endpoint);
	score = c->rules.policy == POLICY_EWMA ? cost_of(load, c->now) : connections_of(load) << 32;
	score /= weight ? weight : 1;
	if (ready == c->ready && score >= c->least)
		return ON;
	c->best = number;
	c->ready = ready;
	c->least = score;
	return ON;
}

static __always_inline __u32 mix(__u64 key)
{
	key ^= key >> 33;
	key *= 0xff51afd7ed558ccdULL;
	key ^= key >> 33;
	key *= 0xc4ceb9fe1a85ec53ULL;
	return key ^ (key >> 33);
}

/* The same client finds the same endpoint on every host, also after others came or went. */
static long maglev_step(__u32 i, struct choice *c)
{
	__u32 hash = mix(c->key + i), at = hash % c->count;
	const struct mesh_row *row = row_of(c, c->first + at / 4);

	return row ? consider(c, row->maglev[at & 3], hash >> 22) : DONE;
}

static __always_inline void begin(struct choice *c, __u32 first, __u32 count)
{
	__u64 zero = unknown_zero(c->now);

	c->first = first;
	c->count = count;
	c->best = zero;
	c->ready = NEVER + zero;
	c->least = ~zero;
}

static __noinline __u32 search(struct choice *c, __u32 first, __u32 count)
{
	begin(c, first, count);
	if (!count)
		return 0;
	switch (c->rules.policy) {
	case POLICY_LEAST:
	case POLICY_EWMA:
		c->start = bpf_get_prandom_u32();
		bpf_loop(count < SCAN ? count : SCAN, least_step, c, 0);
		return c->best;
	case POLICY_TURN:
		bpf_loop(DRAWS, turn_step, c, 0);
		break;
	default:
		bpf_loop(DRAWS, weight_step, c, 0);
		break;
	}
	if (!c->best)
		sweep(c);
	return c->best;
}

static __noinline __u32 consistent(struct choice *c)
{
	__u32 all = MESH_HEAD_ROWS + c->shape.host_slots + c->shape.zone_slots;

	begin(c, all + c->shape.all_slots, c->shape.maglev);
	bpf_loop(DRAWS, maglev_step, c, 0);
	if (c->best || !c->shape.all_slots)
		return c->best;
	begin(c, all, c->shape.all_slots);
	sweep(c);
	return c->best;
}

#endif
