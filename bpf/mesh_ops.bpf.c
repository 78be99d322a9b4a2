// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * SOCK_OPS, of balanced connections only: how many are under way and open at each endpoint, exactly, how long they took,
 * and which failed. A socket without a pick is left at the first look.
 */
#include "include/kernel.h"
#include "lib/mesh_choose.h"
#include "lib/mesh_cost.h"
#include "lib/mesh_ready.h"
#include "lib/mesh_times.h"
#include "lib/peek.h"

#define ECONNRESET 104
#define ETIMEDOUT 110

/* At most half of a service is ejected at a time; the rest is rather tried than overrun. */
#define EJECT_LOOK 64U

/* `start` counts those that are out. */
static long eject_step(__u32 i, struct choice *c)
{
	const struct mesh_row *row = row_of(c, c->first + i);
	const struct mesh_load *load;
	__u32 number;

	if (!row)
		return 1;
	number = row->slot.endpoint;
	load = bpf_map_lookup_elem(&loads, &number);
	c->start += load && load->ejected_until_ns > c->now;
	return 0;
}

static __noinline bool may_eject(struct choice *c)
{
	__u32 look = c->shape.all_slots < EJECT_LOOK ? c->shape.all_slots : EJECT_LOOK;

	c->first = MESH_HEAD_ROWS + c->shape.host_slots + c->shape.zone_slots;
	c->start = 1;
	bpf_loop(look, eject_step, c, 0);
	return c->start * 2 <= look;
}

static __always_inline void eject(struct choice *c, struct mesh_load *load)
{
	__u32 times;

	if (load->ejected_until_ns > c->now || !may_eject(c))
		return;
	times = load->ejections > 4 ? 4 : load->ejections;
	load->ejections++;
	load->in_a_row = 0;
	load->ejected_until_ns = c->now + ((__u64)c->bounds.eject_ms * 1000000 << times);
}

static __always_inline void failed(const struct mesh_pick *pick, struct mesh_load *load)
{
	struct choice c = { .now = bpf_ktime_get_ns() };

	if (!read_bounds(&c, pick->service) || !c.bounds.eject_after)
		return;
	if (__sync_fetch_and_add(&load->in_a_row, 1) + 1 >= c.bounds.eject_after)
		eject(&c, load);
}

/* One that takes connections only to reset them looks well to whoever counts failures. */
static __always_inline void was_reset(const struct mesh_pick *pick, struct mesh_load *load)
{
	struct choice c = { .now = bpf_ktime_get_ns() };
	__u32 number = pick->endpoint, one = 1, times;
	__u32 *row;

	if (!read_bounds(&c, pick->service) || !c.sums.eject_resets)
		return;
	row = bpf_map_lookup_elem(&resets, &number);
	times = row ? __sync_fetch_and_add(row, 1) + 1 : one;
	if (!row)
		bpf_map_update_elem(&resets, &number, &one, BPF_NOEXIST);
	if (times < c.sums.eject_resets)
		return;
	bpf_map_delete_elem(&resets, &number);
	eject(&c, load);
}

static __always_inline void begun(struct bpf_sock_ops *ops, struct mesh_pick *pick,
				  struct mesh_load *load, struct mesh_service *service)
{
	if (pick->state != PICK_MADE)
		return;
	pick->state = PICK_CONNECTING;
	if (load)
		__sync_fetch_and_add(&load->connecting, 1);
	if (service)
		__sync_fetch_and_add(&service->connecting, 1);
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

static __always_inline bool wants_rtt(const struct mesh_pick *pick)
{
	__u32 number = pick->service, one = 1;
	void *table = bpf_map_lookup_elem(&tables, &number);
	const struct mesh_row *row = table ? bpf_map_lookup_elem(table, &one) : NULL;

	return row && row->rules.policy == POLICY_EWMA;
}

static __always_inline void established(struct bpf_sock_ops *ops, struct mesh_pick *pick,
					struct mesh_load *load, struct mesh_service *service)
{
	__u64 now = bpf_ktime_get_ns();

	if (pick->state != PICK_CONNECTING)
		return;
	pick->state = PICK_ACTIVE;
	if (service) {
		__sync_fetch_and_add(&service->connecting, -1);
		__sync_fetch_and_add(&service->active, 1);
		took(pick->service, now - pick->at_ns);
	}
	if (!load)
		return;
	__sync_fetch_and_add(&load->connecting, -1);
	__sync_fetch_and_add(&load->active, 1);
	__sync_fetch_and_add(&load->total, 1);
	load->in_a_row = 0;
	if (load->ejections && load->ejected_until_ns < now)
		load->ejections = 0;
	sample(load, now - pick->at_ns, now);
	if (wants_rtt(pick))
		bpf_sock_ops_cb_flags_set(ops,
					  ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_RTT_CB_FLAG);
}

static __always_inline void over(const struct sock *sk, struct mesh_pick *pick,
				 struct mesh_load *load, struct mesh_service *service)
{
	int error = see(sk, sk_err);
	bool was_open = pick->state == PICK_ACTIVE;

	if (pick->state != PICK_CONNECTING && !was_open)
		return;
	pick->state = PICK_OVER;
	if (service)
		__sync_fetch_and_add(was_open ? &service->active : &service->connecting, -1);
	if (!load)
		return;
	__sync_fetch_and_add(was_open ? &load->active : &load->connecting, -1);
	if (was_open && (error == ECONNRESET || error == ETIMEDOUT)) {
		__sync_fetch_and_add(&load->resets, 1);
		was_reset(pick, load);
	} else if (was_open && !error) {
		/* Rarely there: to look is cheaper than to remove. */
		if (bpf_map_lookup_elem(&resets, &pick->endpoint))
			bpf_map_delete_elem(&resets, &pick->endpoint);
	} else if (!was_open && error) {
		/* Without an error the program itself gave up. */
		__sync_fetch_and_add(&load->failures, 1);
		failed(pick, load);
	}
}

SEC("sockops")
int sidestep_mesh_ops(struct bpf_sock_ops *ops)
{
	const struct bpf_sock_ops_kern *kern = kernel_context(ops);
	const struct sock *sk = see(kern, sk);
	struct mesh_service *service;
	struct mesh_load *load;
	struct mesh_pick *pick;
	struct bpf_sock *full;

	switch (ops->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_RTT_CB:
		break;
	case BPF_SOCK_OPS_STATE_CB:
		/* Of the five or so states of a connection only the last one matters. */
		if (ops->args[1] == BPF_TCP_CLOSE)
			break;
		return 1;
	default:
		return 1;
	}
	full = ops->sk;
	pick = full && sk ? bpf_sk_storage_get(&picks, full, NULL, 0) : NULL;
	if (!pick)
		return 1;
	load = bpf_map_lookup_elem(&loads, &pick->endpoint);
	service = bpf_map_lookup_elem(&services, &pick->service);
	switch (ops->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		begun(ops, pick, load, service);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		established(ops, pick, load, service);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		/* In eighths of a microsecond. */
		if (load)
			sample(load, (__u64)ops->srtt_us * 125, bpf_ktime_get_ns());
		break;
	default:
		over(sk, pick, load, service);
		break;
	}
	return 1;
}
