/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Who asks: is it balanced at all, and by what it is known. */
#ifndef SIDESTEP_MESH_WHO_H
#define SIDESTEP_MESH_WHO_H

#include "../include/kernel.h"
#include "../include/mesh_maps.h"
#include "peek.h"

/* Depth of cgroups that an exception is looked for in. */
#define CGROUP_LEVELS 10

static __always_inline bool is_agent(const struct mesh_settings *set)
{
	const struct task_struct *task = current_task();

	return set->agent && (__u32)see(task, tgid) == set->agent;
}

struct exception {
	__u32 service;
	__u32 found;
};

static long except_step(__u32 level, struct exception *e)
{
	struct mesh_except key = { .cgroup = bpf_get_current_ancestor_cgroup_id(level) };

	if (!key.cgroup)
		return 1;
	if (!bpf_map_lookup_elem(&excepts, &key)) {
		key.service = e->service;
		if (!bpf_map_lookup_elem(&excepts, &key))
			return 0;
	}
	e->found = 1;
	return 1;
}

/* An exception holds for the cgroup that it names and for all below. */
static __always_inline bool excepted(const struct mesh_settings *set, __u32 service)
{
	struct exception e = { .service = service };

	if (set->excepts)
		bpf_loop(CGROUP_LEVELS, except_step, &e, 0);
	return e.found;
}

static __always_inline __u64 client_key(struct bpf_sock_addr *ctx, const struct mesh_rules *rules)
{
	switch (rules->affinity) {
	case AFFINITY_WORKLOAD:
		return bpf_get_current_cgroup_id();
	case AFFINITY_ADDRESS:
		return bpf_get_netns_cookie(ctx);
	default:
		return (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
	}
}

#endif
