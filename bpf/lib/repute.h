/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What is known of a program from before. The agent writes it by executable and name, and adds to the rows of workloads
 * that are there already; what a program shows here and now always goes before it.
 */
#ifndef SIDESTEP_REPUTE_H
#define SIDESTEP_REPUTE_H

#include "../include/maps.h"
#include "count.h"

static __always_inline void program_of(struct sidestep_program *program,
				       const struct sidestep_workload *workload)
{
	__builtin_memset(program, 0, sizeof(*program));
	program->exe_inode = workload->exe_inode;
	program->exe_changed = workload->exe_changed;
	program->exe_dev = workload->exe_dev;
	__builtin_memcpy(program->comm, workload->comm, SIDESTEP_COMM);
}

/*
 * The row of a workload that shows itself. A new one begins with what is known of its program, and the agent is told, so
 * that it can add what it knows of this workload in particular.
 */
static __always_inline struct sidestep_workload *meet(__u64 key, struct sidestep_workload *workload)
{
	struct sidestep_workload *row = bpf_map_lookup_elem(&workloads, &key);
	struct sidestep_program program;
	struct sidestep_repute *repute;

	if (row || !key)
		return row;
	program_of(&program, workload);
	repute = bpf_map_lookup_elem(&programs, &program);
	if (repute) {
		workload->habits.known = repute->known;
		workload->habits.hazard = repute->hazard;
	}
	workload->seen_ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&workloads, &key, workload, BPF_NOEXIST);
	emit(key, EVENT_WORKLOAD, 0, NULL, NULL);
	return bpf_map_lookup_elem(&workloads, &key);
}

/* What was believed of a program is not believed of its further workloads once one of them shows otherwise. */
static __always_inline void disown(const struct sidestep_workload *workload)
{
	struct sidestep_program program;

	program_of(&program, workload);
	bpf_map_delete_elem(&programs, &program);
}

#endif
