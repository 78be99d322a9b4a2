// SPDX-License-Identifier: Apache-2.0
#include "reuseport_check.h"

#include <cstddef>

#include "layout_check.h"
#include "reuseport_layout.h"

namespace sidestep {
namespace {

#define FIELD(type, name) { #type, #name, offsetof(struct type, name) }
constexpr LayoutField kFields[] = {
	FIELD(sidestep_reuse_owner, layout),
	FIELD(sidestep_reuse_owner, pid),
	FIELD(sidestep_reuse_owner, started),
	FIELD(sidestep_reuse_owner, pin_path),
	FIELD(sidestep_reuse_group, stuck_ns),
	FIELD(sidestep_reuse_group, grace_ns),
	FIELD(sidestep_reuse_group, busy_ns),
	FIELD(sidestep_reuse_group, policy),
	FIELD(sidestep_reuse_group, generation),
	FIELD(sidestep_reuse_group, socks),
	FIELD(sidestep_reuse_group, index),
	FIELD(sidestep_reuse_group, count),
	FIELD(sidestep_reuse_group, slots),
	FIELD(sidestep_reuse_member, cookie),
	FIELD(sidestep_reuse_member, sk),
	FIELD(sidestep_reuse_member, since_ns),
	FIELD(sidestep_reuse_member, step),
	FIELD(sidestep_reuse_member, cpus),
	FIELD(sidestep_reuse_member, group),
	FIELD(sidestep_reuse_member, generation),
	FIELD(sidestep_reuse_tally, turn),
	FIELD(sidestep_reuse_tally, selected),
	FIELD(sidestep_reuse_tally, migrated),
	FIELD(sidestep_reuse_tally, skipped),
	FIELD(sidestep_reuse_tally, head),
	FIELD(sidestep_reuse_tally, head_ns),
	FIELD(sidestep_reuse_tally, out),
	FIELD(sidestep_reuse_tally, free_ns),
	FIELD(sidestep_reuse_tally, worked_ns),
	FIELD(sidestep_reuse_group_tally, now),
	FIELD(sidestep_reuse_group_tally, told_ns),
	FIELD(sidestep_reuse_group_tally, fallbacks),
	FIELD(sidestep_reuse_event, group),
	FIELD(sidestep_reuse_event, socks),
	FIELD(sidestep_reuse_row, cookie),
	FIELD(sidestep_reuse_row, sk),
	FIELD(sidestep_reuse_row, inode),
	FIELD(sidestep_reuse_row, cgroup),
	FIELD(sidestep_reuse_row, waited_ns),
	FIELD(sidestep_reuse_row, local),
	FIELD(sidestep_reuse_row, group),
	FIELD(sidestep_reuse_row, socks),
	FIELD(sidestep_reuse_row, program),
	FIELD(sidestep_reuse_row, program_type),
	FIELD(sidestep_reuse_row, has_program),
	FIELD(sidestep_reuse_row, netns),
	FIELD(sidestep_reuse_row, port),
	FIELD(sidestep_reuse_row, family),
	FIELD(sidestep_reuse_row, protocol),
	FIELD(sidestep_reuse_row, depth),
	FIELD(sidestep_reuse_row, room),
	FIELD(sidestep_reuse_row, uid),
	FIELD(sidestep_reuse_row, program_name),
};
#undef FIELD

#define SIZE(type) { #type, "", sizeof(struct type) }
constexpr LayoutField kSizes[] = {
	SIZE(sidestep_reuse_owner), SIZE(sidestep_reuse_group),       SIZE(sidestep_reuse_member),
	SIZE(sidestep_reuse_tally), SIZE(sidestep_reuse_group_tally), SIZE(sidestep_reuse_event),
	SIZE(sidestep_reuse_row),
};
#undef SIZE

} // namespace

void CheckReuseportLayout(const btf* btf) { CheckFields(btf, kSizes, kFields); }

} // namespace sidestep
