// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * How full the maps are. To ask for one key after the other from outside costs half a microsecond for each; here it is a
 * walk, and of the sockhash, which has no walk, the number that the kernel keeps.
 *   sidestep_tally        (syscall)
 *   sidestep_tally_sockets (raw_tp)   attached to nothing, run by the agent: a program that may sleep has no sockhash
 */
#include "include/kernel.h"
#include "include/maps.h"
#include "lib/unknown.h"

static long visit(void *map, void *key, void *value, void *ctx)
{
	return 0;
}

static long visit_slot(void *map, __u32 *number, __u64 *slot, __u64 *taken)
{
	*taken += *slot != 0;
	return 0;
}

SEC("syscall")
int sidestep_tally(struct sidestep_entries *answer)
{
	__u64 taken = unknown_zero(bpf_ktime_get_ns());

	bpf_for_each_map_elem(&half_open, visit_slot, &taken, 0);
	answer->pairs = bpf_for_each_map_elem(&pairs, visit, NULL, 0);
	answer->half_open = taken;
	answer->listeners = bpf_for_each_map_elem(&listeners, visit, NULL, 0);
	answer->workloads = bpf_for_each_map_elem(&workloads, visit, NULL, 0);
	answer->edges = bpf_for_each_map_elem(&edges, visit, NULL, 0);
	return 0;
}

SEC("raw_tp")
int sidestep_tally_sockets(void *ctx)
{
	const struct bpf_shtab *shtab = (const struct bpf_shtab *)(void *)&sockets;

	return shtab->count.counter;
}
