/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * How loaded an endpoint is. Connections are counted exactly. The cost is a peak-EWMA: a slower sample counts at once,
 * faster ones bring it down with time, and so does silence, so that an endpoint that was slow once is tried again.
 */
#ifndef SIDESTEP_MESH_COST_H
#define SIDESTEP_MESH_COST_H

#include "../include/mesh_maps.h"

/* A cost is half as high after this time. */
#define COST_HALF_NS (3ULL * 1000 * 1000 * 1000)
/* Of an endpoint that was never measured and has connections under way: dear, but not for ever. */
#define COST_UNKNOWN_NS (1000ULL * 1000 * 1000)

static __always_inline __u64 positive(__s64 count)
{
	return count > 0 ? count : 0;
}

static __always_inline __u64 connections_of(const struct mesh_load *load)
{
	return load ? positive(load->connecting) + positive(load->active) + 1 : 1;
}

/* Halved for each COST_HALF_NS, with straight lines in between. */
static __always_inline __u64 decayed(__u64 value, __u64 age)
{
	__u64 times = age / COST_HALF_NS;
	__u64 part = ((age % COST_HALF_NS) << 10) / COST_HALF_NS;

	if (times > 40)
		return 0;
	value >>= times;
	return value - (value / 2 * part >> 10);
}

static __always_inline __u64 cost_of(const struct mesh_load *load, __u64 now)
{
	__u64 count, cost;

	if (!load)
		return 0;
	count = positive(load->connecting) + positive(load->active);
	cost = load->cost_ns ? decayed(load->cost_ns, now - load->cost_at_ns)
			     : (count ? COST_UNKNOWN_NS : 0);
	/* Microseconds, so that times weight and count it still fits. */
	return ((cost >> 10) + 1) * (count + 1) << 20;
}

#define ONE 20 /* bits of a fraction */

static __always_inline void sample(struct mesh_load *load, __u64 took_ns, __u64 now)
{
	__u64 old = decayed(1ULL << ONE, now - load->cost_at_ns);
	__u64 took = took_ns >> 10, cost = load->cost_ns >> 10;

	if (took_ns >= load->cost_ns)
		load->cost_ns = took_ns;
	else
		load->cost_ns = ((cost * old + took * ((1ULL << ONE) - old)) >> ONE) << 10;
	load->cost_at_ns = now;
}

#endif
