// SPDX-License-Identifier: Apache-2.0
#include "layout_check.h"

#include <bpf/btf.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "error.h"
#include "layout.h"
#include "mesh_layout.h"

namespace sidestep {
namespace {

struct Field {
	const char* type;
	const char* name;
	size_t offset;
};

#define FIELD(type, name) { #type, #name, offsetof(struct type, name) }
constexpr Field kFields[] = {
	FIELD(sidestep_settings, layout),
	FIELD(sidestep_settings, enabled),
	FIELD(sidestep_settings, queue_bytes),
	FIELD(sidestep_settings, observe),
	FIELD(sidestep_settings, trust),
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
	FIELD(sidestep_pair, end),
	FIELD(sidestep_pair, opened_ns),
	FIELD(sidestep_pair, hazard_ns),
	FIELD(sidestep_pair, state),
	FIELD(sidestep_pair, reason),
	FIELD(sidestep_pair, closed),
	FIELD(sidestep_pair, accelerated),
	FIELD(sidestep_listener, inode),
	FIELD(sidestep_listener, pid),
	FIELD(sidestep_listener, comm),
	FIELD(sidestep_listener, habits),
	FIELD(sidestep_workload, exe_inode),
	FIELD(sidestep_workload, cgroup),
	FIELD(sidestep_workload, seen_ns),
	FIELD(sidestep_workload, exe_dev),
	FIELD(sidestep_workload, pid),
	FIELD(sidestep_workload, comm),
	FIELD(sidestep_workload, habits),
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
	FIELD(sidestep_counters, events_lost),
	FIELD(sidestep_counters, resets),
	FIELD(sidestep_counters, closed_unread),
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
};

constexpr Field kMeshFields[] = {
	FIELD(mesh_settings, layout),    FIELD(mesh_settings, enabled),      FIELD(mesh_settings, agent),
	FIELD(mesh_settings, excepts),   FIELD(mesh_vip, address),           FIELD(mesh_vip, port),
	FIELD(mesh_vip, protocol),       FIELD(mesh_except, cgroup),         FIELD(mesh_except, service),
	FIELD(mesh_endpoint, address),   FIELD(mesh_endpoint, port),         FIELD(mesh_endpoint, state),
	FIELD(mesh_endpoint, service),   FIELD(mesh_endpoint, weight),       FIELD(mesh_endpoint, born_ns),
	FIELD(mesh_load, connecting),    FIELD(mesh_load, active),           FIELD(mesh_load, total),
	FIELD(mesh_load, failures),      FIELD(mesh_load, resets),           FIELD(mesh_load, cost_ns),
	FIELD(mesh_load, cost_at_ns),    FIELD(mesh_load, ejected_until_ns), FIELD(mesh_load, ejections),
	FIELD(mesh_service, connecting), FIELD(mesh_service, active),        FIELD(mesh_service, picks),
	FIELD(mesh_service, kept),       FIELD(mesh_service, refused),
};
#undef FIELD

#define SIZE(type) { #type, "", sizeof(struct type) }
constexpr Field kSizes[] = {
	SIZE(sidestep_settings), SIZE(sidestep_end_key),  SIZE(sidestep_half_open), SIZE(sidestep_listener),
	SIZE(sidestep_workload), SIZE(sidestep_endpoint), SIZE(sidestep_pair),      SIZE(sidestep_flow),
	SIZE(sidestep_edge_key), SIZE(sidestep_edge),     SIZE(sidestep_counters),  SIZE(sidestep_event),
	SIZE(sidestep_retire),
};

constexpr Field kMeshSizes[] = {
	SIZE(mesh_settings), SIZE(mesh_vip), SIZE(mesh_except),  SIZE(mesh_endpoint),
	SIZE(mesh_load),     SIZE(mesh_row), SIZE(mesh_service), SIZE(mesh_pick),
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

template <size_t Sizes, size_t Fields>
void Compare(const btf* btf, const Field (&sizes)[Sizes], const Field (&fields)[Fields]) {
	for (const Field& size : sizes) {
		if (Find(btf, size.type)->size != size.offset) Mismatch(std::string("the size of struct ") + size.type);
	}
	for (const Field& field : fields) {
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

} // namespace

void CheckLayout(const btf* btf) { Compare(btf, kSizes, kFields); }

void CheckMeshLayout(const btf* btf) { Compare(btf, kMeshSizes, kMeshFields); }

} // namespace sidestep
