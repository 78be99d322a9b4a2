// SPDX-License-Identifier: Apache-2.0
#include "layout_check.h"

#include <bpf/btf.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "error.h"
#include "layout.h"

namespace sidestep {
namespace {

#define FIELD(type, name) { #type, #name, offsetof(struct type, name) }
constexpr LayoutField kFields[] = {
	FIELD(sidestep_settings, layout),
	FIELD(sidestep_settings, enabled),
	FIELD(sidestep_settings, queue_bytes),
	FIELD(sidestep_settings, observe),
	FIELD(sidestep_settings, trust),
	FIELD(sidestep_settings, generation),
	FIELD(sidestep_settings, window_connections),
	FIELD(sidestep_settings, window_ns),
	FIELD(sidestep_settings, window_bytes),
	FIELD(sidestep_settings, stream_messages),
	FIELD(sidestep_settings, brief_turns),
	FIELD(sidestep_settings, follow),
	FIELD(sidestep_settings, tell_all),
	FIELD(sidestep_settings, refresh_ms),
	FIELD(sidestep_settings, stream_ns),
	FIELD(sidestep_settings, stream_bytes),
	FIELD(sidestep_settings, stay_ns),
	FIELD(sidestep_settings, owner),
	FIELD(sidestep_end_key, id),
	FIELD(sidestep_end_key, side),
	FIELD(sidestep_endpoint, local),
	FIELD(sidestep_endpoint, cgroup),
	FIELD(sidestep_endpoint, inode),
	FIELD(sidestep_endpoint, sk),
	FIELD(sidestep_endpoint, psock),
	FIELD(sidestep_endpoint, netns),
	FIELD(sidestep_endpoint, pid),
	FIELD(sidestep_endpoint, uid),
	FIELD(sidestep_endpoint, port),
	FIELD(sidestep_endpoint, family),
	FIELD(sidestep_endpoint, comm),
	FIELD(sidestep_endpoint, sent),
	FIELD(sidestep_endpoint, tcp_sent),
	FIELD(sidestep_endpoint, queued),
	FIELD(sidestep_endpoint, last_reason),
	FIELD(sidestep_endpoint, workload),
	FIELD(sidestep_endpoint, reads),
	FIELD(sidestep_endpoint, standing),
	FIELD(sidestep_endpoint, exe_inode),
	FIELD(sidestep_endpoint, call_ns),
	FIELD(sidestep_endpoint, exe_dev),
	FIELD(sidestep_endpoint, call),
	FIELD(sidestep_endpoint, calls),
	FIELD(sidestep_endpoint, noted),
	FIELD(sidestep_pair, end),
	FIELD(sidestep_pair, opened_ns),
	FIELD(sidestep_pair, hazard_ns),
	FIELD(sidestep_pair, state),
	FIELD(sidestep_pair, reason),
	FIELD(sidestep_pair, closed),
	FIELD(sidestep_pair, accelerated),
	FIELD(sidestep_pair, selector),
	FIELD(sidestep_pair, generation),
	FIELD(sidestep_pair, dialled),
	FIELD(sidestep_pair, dialled_port),
	FIELD(sidestep_pair, ulp_asked),
	FIELD(sidestep_scope, count),
	FIELD(sidestep_scope, including),
	FIELD(sidestep_scope, selector),
	FIELD(sidestep_selector, exe_inode),
	FIELD(sidestep_selector, cgroup),
	FIELD(sidestep_selector, address),
	FIELD(sidestep_selector, comm),
	FIELD(sidestep_selector, effect),
	FIELD(sidestep_selector, terms),
	FIELD(sidestep_selector, exe_dev),
	FIELD(sidestep_selector, uid),
	FIELD(sidestep_selector, prefix),
	FIELD(sidestep_selector, port_first),
	FIELD(sidestep_selector, port_last),
	FIELD(sidestep_listener, inode),
	FIELD(sidestep_listener, workload),
	FIELD(sidestep_listener, exe_inode),
	FIELD(sidestep_listener, exe_dev),
	FIELD(sidestep_listener, pid),
	FIELD(sidestep_listener, comm),
	FIELD(sidestep_listener, habits),
	FIELD(sidestep_listener, told_ns),
	FIELD(sidestep_listener, ended),
	FIELD(sidestep_listener, turns),
	FIELD(sidestep_listener, glances),
	FIELD(sidestep_listener, glanced),
	FIELD(sidestep_habits, plain),
	FIELD(sidestep_habits, blocking),
	FIELD(sidestep_habits, hazard),
	FIELD(sidestep_habits, hazards),
	FIELD(sidestep_habits, connections),
	FIELD(sidestep_habits, accepted),
	FIELD(sidestep_habits, known),
	FIELD(sidestep_habits, first_ns),
	FIELD(sidestep_habits, bytes),
	FIELD(sidestep_workload, exe_inode),
	FIELD(sidestep_workload, exe_changed),
	FIELD(sidestep_workload, cgroup),
	FIELD(sidestep_workload, seen_ns),
	FIELD(sidestep_workload, exe_dev),
	FIELD(sidestep_workload, pid),
	FIELD(sidestep_workload, comm),
	FIELD(sidestep_workload, habits),
	FIELD(sidestep_program, exe_inode),
	FIELD(sidestep_program, exe_changed),
	FIELD(sidestep_program, exe_dev),
	FIELD(sidestep_program, comm),
	FIELD(sidestep_repute, known),
	FIELD(sidestep_repute, hazard),
	FIELD(sidestep_seed, workload),
	FIELD(sidestep_seed, known),
	FIELD(sidestep_seed, hazard),
	FIELD(sidestep_seed, blocking),
	FIELD(sidestep_seed, plain),
	FIELD(sidestep_seed, found),
	FIELD(sidestep_process, workload),
	FIELD(sidestep_process, exe_inode),
	FIELD(sidestep_process, exe_changed),
	FIELD(sidestep_process, cgroup),
	FIELD(sidestep_process, exe_dev),
	FIELD(sidestep_process, pid),
	FIELD(sidestep_process, comm),
	FIELD(sidestep_edge_key, client),
	FIELD(sidestep_edge_key, server),
	FIELD(sidestep_edge_key, port),
	FIELD(sidestep_edge, sent),
	FIELD(sidestep_edge, connections),
	FIELD(sidestep_edge, accelerated),
	FIELD(sidestep_counters, messages),
	FIELD(sidestep_counters, bytes),
	FIELD(sidestep_counters, connections),
	FIELD(sidestep_counters, tcp_in_messages),
	FIELD(sidestep_counters, tcp_in_bytes),
	FIELD(sidestep_counters, tcp_repeated_bytes),
	FIELD(sidestep_counters, events_lost),
	FIELD(sidestep_counters, resets),
	FIELD(sidestep_counters, closed_unread),
	FIELD(sidestep_counters, streams_left),
	FIELD(sidestep_counters, streams_back),
	FIELD(sidestep_refreshed, streams),
	FIELD(sidestep_refreshed, back),
	FIELD(sidestep_entries, pairs),
	FIELD(sidestep_entries, half_open),
	FIELD(sidestep_entries, listeners),
	FIELD(sidestep_entries, workloads),
	FIELD(sidestep_entries, edges),
	FIELD(sidestep_event, at_ns),
	FIELD(sidestep_event, id),
	FIELD(sidestep_event, type),
	FIELD(sidestep_event, reason),
	FIELD(sidestep_event, sent),
	FIELD(sidestep_retire, only),
	FIELD(sidestep_retire, removed),
	FIELD(sidestep_retire, unread),
	FIELD(sidestep_retire, sending),
	FIELD(sidestep_retire, unlocked),
	FIELD(sidestep_retire, reset),
	FIELD(sidestep_retire, tracked),
	FIELD(sidestep_untracked, sk),
	FIELD(sidestep_untracked, cgroup),
	FIELD(sidestep_untracked, as_client),
	FIELD(sidestep_untracked, as_server),
	FIELD(sidestep_found, id),
	FIELD(sidestep_found, side),
	FIELD(sidestep_found, tracked),
	FIELD(sidestep_mode, split_bytes),
	FIELD(sidestep_mode, times_waits),
	FIELD(sidestep_mode, half_open_slots),
	FIELD(sidestep_waits, count),
	FIELD(sidestep_waits, sum_ns),
};
#undef FIELD

#define SIZE(type) { #type, "", sizeof(struct type) }
constexpr LayoutField kSizes[] = {
	SIZE(sidestep_settings), SIZE(sidestep_end_key),   SIZE(sidestep_listener), SIZE(sidestep_workload),
	SIZE(sidestep_endpoint), SIZE(sidestep_pair),      SIZE(sidestep_flow),     SIZE(sidestep_edge_key),
	SIZE(sidestep_edge),     SIZE(sidestep_counters),  SIZE(sidestep_event),    SIZE(sidestep_retire),
	SIZE(sidestep_habits),   SIZE(sidestep_program),   SIZE(sidestep_repute),   SIZE(sidestep_seed),
	SIZE(sidestep_process),  SIZE(sidestep_untracked), SIZE(sidestep_found),    SIZE(sidestep_refreshed),
	SIZE(sidestep_entries),  SIZE(sidestep_mode),      SIZE(sidestep_waits),
};
#undef SIZE

[[noreturn]] void Mismatch(const std::string& what) {
	throw KernelError(
		"layout_mismatch",
		"use the BPF object: " + what + " differs from what the addon was built with; run `npm run build`", 0);
}

const btf_type* Find(const btf* btf, const char* name) {
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	if (id < 0) Mismatch(std::string("struct ") + name);
	return btf__type_by_id(btf, id);
}

} // namespace

void CheckFields(const btf* btf, std::span<const LayoutField> sizes, std::span<const LayoutField> fields) {
	for (const LayoutField& size : sizes) {
		if (Find(btf, size.type)->size != size.offset) Mismatch(std::string("the size of struct ") + size.type);
	}
	for (const LayoutField& field : fields) {
		const btf_type* type = Find(btf, field.type);
		const btf_member* member = btf_members(type);
		bool found = false;
		for (int i = 0; i < btf_vlen(type); i++) {
			if (strcmp(btf__name_by_offset(btf, member[i].name_off), field.name) != 0) continue;
			found = btf_member_bit_offset(type, i) == field.offset * 8;
		}
		if (!found) Mismatch(std::string("field ") + field.type + "." + field.name);
	}
}

void CheckLayout(const btf* btf) { CheckFields(btf, kSizes, kFields); }

} // namespace sidestep
