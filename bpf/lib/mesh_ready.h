/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* One choice: what it is for, and how ready an endpoint is to be it. */
#ifndef SIDESTEP_MESH_READY_H
#define SIDESTEP_MESH_READY_H

#include "../include/mesh_maps.h"

/* Everything that one choice looks at, read once from one table. */
struct choice {
	void *table;
	struct mesh_service *service;
	__u64 now;
	__u64 key; /* who asks */
	struct mesh_shape shape;
	struct mesh_rules rules;
	struct mesh_bounds bounds;
	struct mesh_sums sums;
	__u32 number; /* of the service */
	/* The search that is under way: `count` slots from `first` on, and the best endpoint so far. */
	__u32 first;
	__u32 count;
	__u32 start;
	__u32 best;
	__u32 ready;
	__u64 least;
};

enum readiness {
	NEVER = 0, /* gone, draining or down */
	IF_MUST,   /* ejected, or still warming up: taken when nobody else is there */
	WILLING,
};

#define WARM 1024U      /* an endpoint past its slow start */
#define WARM_LEAST 102U /* a tenth from the first moment: it must be tried to get anywhere */

static __always_inline const struct mesh_row *row_of(const struct choice *c, __u32 index)
{
	return bpf_map_lookup_elem(c->table, &index);
}

/* How far slow start has come, of WARM. */
static __always_inline __u32 warmth(const struct choice *c, const struct mesh_endpoint *endpoint)
{
	__u64 window = (__u64)c->bounds.slow_start_ms * 1000000, age;
	__u32 share;

	if (!window || !endpoint->born_ns || c->now <= endpoint->born_ns)
		return !window || !endpoint->born_ns ? WARM : WARM_LEAST;
	age = c->now - endpoint->born_ns;
	if (age >= window)
		return WARM;
	share = age * WARM / window;
	return share < WARM_LEAST ? WARM_LEAST : share;
}

static __always_inline bool is_up(const struct mesh_endpoint *endpoint)
{
	return endpoint && endpoint->state == MESH_UP;
}

static __always_inline bool is_ejected(const struct choice *c, const struct mesh_load *load)
{
	return load && load->ejected_until_ns > c->now;
}

/* `luck` below WARM: an endpoint that warms up takes its share of it. */
static __always_inline __u32 readiness(const struct choice *c, __u32 number, __u32 luck)
{
	const struct mesh_endpoint *endpoint = bpf_map_lookup_elem(&endpoints, &number);

	if (!is_up(endpoint))
		return NEVER;
	if (is_ejected(c, bpf_map_lookup_elem(&loads, &number)))
		return IF_MUST;
	return luck < warmth(c, endpoint) ? WILLING : IF_MUST;
}

static __always_inline __u32 luck(void)
{
	return bpf_get_prandom_u32() & (WARM - 1);
}

#endif
