/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The histogram of connect times of a service. */
#ifndef SIDESTEP_MESH_TIMES_H
#define SIDESTEP_MESH_TIMES_H

#include "../include/mesh_maps.h"
#include "buckets.h"

static __always_inline struct mesh_times *times_of(__u32 service)
{
	struct mesh_times *row = bpf_map_lookup_elem(&times, &service), none = {};

	if (row)
		return row;
	bpf_map_update_elem(&times, &service, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&times, &service);
}

static __always_inline void took(__u32 service, __u64 ns)
{
	struct mesh_times *row = times_of(service);
	__u32 bucket = bucket_of(ns, MESH_TIME_SHIFT, MESH_TIME_BUCKETS);

	if (!row || bucket >= MESH_TIME_BUCKETS)
		return;
	__sync_fetch_and_add(&row->count[bucket], 1);
	__sync_fetch_and_add(&row->sum_ns, ns);
}

#endif
