/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * All maps, once. Sizes of zero entries come from the configuration before load.
 * Writers: K kernel programs, A agent.
 */
#ifndef SIDESTEP_MAPS_H
#define SIDESTEP_MAPS_H

#include "layout.h"
#include <bpf/bpf_helpers.h>

/* K A  Live switches. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sidestep_settings);
} settings SEC(".maps");

/* A    Whom to accelerate: one slot with all selectors, so that no connection ever sees half of a change. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(struct sidestep_scope));
		});
} scope SEC(".maps");

/* K    SYNs received here and not yet established, by their request sockets: lib/half_open.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} half_open SEC(".maps");

/* K    Who listens, by socket address. LRU: a stale row is recognised by its inode number. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct sidestep_listener);
} listeners SEC(".maps");

/* K A  How programs read: the profiles of the guard. LRU: what was forgotten is learned again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct sidestep_workload);
} workloads SEC(".maps");

/*
 * K A  What is known of programs from before: their new workloads begin with it. K only removes what turns out otherwise.
 *      Not pinned: each agent says anew what it knows.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct sidestep_program);
	__type(value, struct sidestep_repute);
} programs SEC(".maps");

/* K    Connections between two local sockets. Read by the agent in batches. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, sidestep_pair_id);
	__type(value, struct sidestep_pair);
} pairs SEC(".maps");

/* K    The sockets that redirect and receive. Two for each pair. SK_MSG and SK_SKB are attached here. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 131072);
	__type(key, struct sidestep_end_key);
	__type(value, __u64);
} sockets SEC(".maps");

/* K    What each tracked socket carries; freed with the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sidestep_flow);
} flows SEC(".maps");

/* K    Totals of closed connections by service edge. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct sidestep_edge_key);
	__type(value, struct sidestep_edge);
} edges SEC(".maps");

/* K    Verdicts and failures, by reason. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sidestep_counters);
} counters SEC(".maps");

/* K    Connection events, never per message. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

/*
 * K    When a message was put into the empty queue of an end that has not read since. LRU: some ends never read. Not
 *      pinned: sockets that outlive an agent are not timed by the next one.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct sidestep_end_key);
	__type(value, __u64);
} waiting SEC(".maps");

/* K    How long such messages waited, by the side that read them. Not pinned. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct sidestep_waits);
} waits SEC(".maps");

/* K A  What the retire iterator was asked, and did. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sidestep_retire);
} retiring SEC(".maps");

#endif
