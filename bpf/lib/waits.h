/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * How long redirected bytes wait in their reader's queue (metrics.queueWait). Only messages that find the queue empty are
 * timed: the next read takes them, so nothing has to be counted to know when their turn came.
 */
#ifndef SIDESTEP_WAITS_H
#define SIDESTEP_WAITS_H

#include "../include/maps.h"
#include "buckets.h"
#include "gate.h"
#include "peek.h"

/* `nth`: how many messages this writer has redirected before. */
static __always_inline void begin_wait(const struct sidestep_end_key *reader, const struct sock *sk,
				       __u64 nth)
{
	__u64 now;

	if (nth % SIDESTEP_WAIT_EVERY || see(sk, sk_backlog.rmem_alloc.counter))
		return;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&waiting, reader, &now, BPF_ANY);
}

static __always_inline void end_wait(const struct sidestep_flow *flow)
{
	struct sidestep_end_key reader = {};
	struct sidestep_waits *row;
	__u64 *since, took;
	__u32 bucket;

	if (!flow)
		return;
	reader.id = flow->id;
	reader.side = flow->side & 1;
	since = bpf_map_lookup_elem(&waiting, &reader);
	if (!since)
		return;
	took = bpf_ktime_get_ns() - *since;
	bpf_map_delete_elem(&waiting, &reader);
	row = bpf_map_lookup_elem(&waits, &reader.side);
	bucket = bucket_of(took, SIDESTEP_WAIT_SHIFT, SIDESTEP_WAIT_BUCKETS);
	if (!row || bucket >= SIDESTEP_WAIT_BUCKETS)
		return;
	row->count[bucket]++;
	row->sum_ns += took;
}

#endif
