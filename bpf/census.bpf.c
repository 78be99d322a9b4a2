// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * Who is still there. Another program on sock_ops can set the callback flags of a socket anew without keeping ours; then
 * nobody hears of its end, and its record would stay for ever.
 *   sidestep_iter_census (iter/tcp)  meets every socket with a record, and asks again for callbacks where they are off
 *   sidestep_reap        (syscall)   ends the records of sockets that two counts in a row have not met
 */
#include "include/kernel.h"
#include "include/maps.h"
#include "lib/hear.h"
#include "lib/totals.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sidestep_census);
} census SEC(".maps");

SEC("iter/tcp")
int sidestep_iter_census(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcp_sock *tp = common ? bpf_skc_to_tcp_sock(common) : NULL;
	struct sidestep_flow *flow = tp ? bpf_sk_storage_get(&flows, tp, NULL, 0) : NULL;
	struct sidestep_pair *pair = flow ? bpf_map_lookup_elem(&pairs, &flow->id) : NULL;
	struct sidestep_census *run;
	__u32 zero = 0;

	run = bpf_map_lookup_elem(&census, &zero);
	if (!run || !flow || !pair)
		return 0;
	pair->end[flow->side & 1].met = run->number;
	if (see(peek(tp, struct tcp_sock), bpf_sock_ops_cb_flags) & BPF_SOCK_OPS_STATE_CB_FLAG)
		return 0;
	run->deaf++;
	hear_of_its_end(tp);
	return 0;
}

/* An end that no count has met yet may have come while this one was made. Counts have the numbers 1 to 65535. */
static __always_inline bool missed_twice(struct sidestep_endpoint *end, __u32 number)
{
	__u32 met = end->met;

	if (!met)
		end->met = number > 1 ? number - 1 : 65535;
	return met && met != number && met != (number > 1 ? number - 1 : 65535);
}

static long reap_pair(void *map, sidestep_pair_id *id, struct sidestep_pair *pair,
		      struct sidestep_census *run)
{
	for (__u32 side = 0; side < 2; side++) {
		struct sidestep_endpoint *end = &pair->end[side];

		if (!end->sk || end->netns != run->netns || pair->closed & (1U << side) ||
		    !missed_twice(end, run->number))
			continue;
		run->gone++;
		if (end_over(pair, *id, side, end->tcp_sent))
			return 0;
	}
	return 0;
}

SEC("syscall")
int sidestep_reap(struct sidestep_census *wanted)
{
	struct sidestep_census run = { .number = wanted->number, .netns = wanted->netns };
	long done = bpf_for_each_map_elem(&pairs, reap_pair, &run, 0);

	wanted->gone = run.gone;
	return done < 0;
}
