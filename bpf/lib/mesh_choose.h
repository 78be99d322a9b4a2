/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* From the number of a service to the endpoint for one connection: limit, affinity, tiers, policy. */
#ifndef SIDESTEP_MESH_CHOOSE_H
#define SIDESTEP_MESH_CHOOSE_H

#include "mesh_policy.h"

/* The table of a service, and its bounds. */
static __always_inline bool read_bounds(struct choice *c, __u32 service)
{
	const struct mesh_row *row;

	c->table = bpf_map_lookup_elem(&tables, &service);
	row = c->table ? row_of(c, 0) : NULL;
	if (!row)
		return false;
	c->shape = row->shape;
	row = row_of(c, 2);
	if (!row)
		return false;
	c->bounds = row->bounds;
	row = row_of(c, 3);
	if (!row)
		return false;
	c->sums = row->sums;
	return true;
}

static __always_inline bool open_table(struct choice *c, __u32 number)
{
	const struct mesh_row *row;

	c->number = number;
	c->now = bpf_ktime_get_ns();
	c->service = bpf_map_lookup_elem(&services, &number);
	if (!c->service || !read_bounds(c, number))
		return false;
	row = row_of(c, 1);
	if (!row)
		return false;
	c->rules = row->rules;
	return true;
}

static __always_inline void refuse_pick(const struct choice *c, __u32 why)
{
	if (c->service && why < REFUSAL_COUNT)
		__sync_fetch_and_add(&c->service->refused[why], 1);
}

/* A preferred endpoint may have so many times its fair share of this host's connections, and one more. */
static __always_inline bool within_skew(const struct choice *c, __u32 number)
{
	const struct mesh_endpoint *endpoint = bpf_map_lookup_elem(&endpoints, &number);
	__u64 all = positive(c->service->connecting) + positive(c->service->active);
	__u64 fair;

	if (!c->bounds.skew_percent || !c->sums.weight || !endpoint)
		return true;
	fair = all * endpoint->weight * c->bounds.skew_percent / ((__u64)c->sums.weight * 100);
	return connections_of(bpf_map_lookup_elem(&loads, &number)) <= fair + 1;
}

static __always_inline void took_tier(const struct choice *c, __u32 tier)
{
	__sync_fetch_and_add(&c->service->picks[tier], 1);
}

static __always_inline __u32 by_policy(struct choice *c)
{
	__u32 first = MESH_HEAD_ROWS, endpoint;

	if (c->rules.policy == POLICY_MAGLEV && c->shape.maglev) {
		took_tier(c, 2);
		return consistent(c);
	}
	endpoint = search(c, first, c->shape.host_slots);
	if (endpoint && within_skew(c, endpoint)) {
		took_tier(c, 0);
		return endpoint;
	}
	first += c->shape.host_slots;
	endpoint = search(c, first, c->shape.zone_slots);
	if (endpoint && within_skew(c, endpoint)) {
		took_tier(c, 1);
		return endpoint;
	}
	first += c->shape.zone_slots;
	endpoint = search(c, first, c->shape.all_slots);
	if (endpoint)
		took_tier(c, 2);
	return endpoint;
}

/* 0 when the connection has to be refused; that is counted. */
static __always_inline __u32 choose(struct choice *c)
{
	struct mesh_client client = { .key = c->key, .service = c->number };
	struct mesh_sticky *known, sticky = {};
	bool keeps = c->rules.affinity && c->rules.policy != POLICY_MAGLEV;
	__u64 all = positive(c->service->connecting) + positive(c->service->active);
	__u32 endpoint;

	if (c->rules.max_connections && all >= c->rules.max_connections) {
		refuse_pick(c, REFUSED_CONNECTIONS);
		return 0;
	}
	known = keeps ? bpf_map_lookup_elem(&clients, &client) : NULL;
	if (known && c->now - known->at_ns < (__u64)c->rules.affinity_ms * 1000000 &&
	    readiness(c, known->endpoint, 0) == WILLING) {
		known->at_ns = c->now;
		__sync_fetch_and_add(&c->service->kept, 1);
		return known->endpoint;
	}
	endpoint = by_policy(c);
	if (!endpoint) {
		refuse_pick(c, REFUSED_NO_ENDPOINT);
		return 0;
	}
	if (keeps) {
		sticky.at_ns = c->now;
		sticky.endpoint = endpoint;
		bpf_map_update_elem(&clients, &client, &sticky, BPF_ANY);
	}
	return endpoint;
}

#endif
