// SPDX-License-Identifier: Apache-2.0
#include "mesh_check.h"

#include <cstddef>

#include "layout_check.h"
#include "mesh_layout.h"
#include "mesh_tune.h"

namespace sidestep {
namespace {

#define FIELD(type, name) { #type, #name, offsetof(struct type, name) }
constexpr LayoutField kFields[] = {
	FIELD(mesh_settings, layout),
	FIELD(mesh_settings, enabled),
	FIELD(mesh_settings, agent),
	FIELD(mesh_settings, excepts),
	FIELD(mesh_vip, address),
	FIELD(mesh_vip, port),
	FIELD(mesh_vip, protocol),
	FIELD(mesh_except, cgroup),
	FIELD(mesh_except, service),
	FIELD(mesh_endpoint, address),
	FIELD(mesh_endpoint, port),
	FIELD(mesh_endpoint, state),
	FIELD(mesh_endpoint, service),
	FIELD(mesh_endpoint, weight),
	FIELD(mesh_endpoint, born_ns),
	FIELD(mesh_load, connecting),
	FIELD(mesh_load, active),
	FIELD(mesh_load, total),
	FIELD(mesh_load, failures),
	FIELD(mesh_load, resets),
	FIELD(mesh_load, cost_ns),
	FIELD(mesh_load, cost_at_ns),
	FIELD(mesh_load, ejected_until_ns),
	FIELD(mesh_load, ejections),
	FIELD(mesh_service, connecting),
	FIELD(mesh_service, active),
	FIELD(mesh_service, picks),
	FIELD(mesh_service, kept),
	FIELD(mesh_service, refused),
	FIELD(mesh_times, count),
	FIELD(mesh_times, sum_ns),
	FIELD(tune_rule, network),
	FIELD(tune_rule, by_service),
	FIELD(tune_rule, congestion),
	FIELD(tune_rule, value),
	FIELD(tune_tally, refused),
	FIELD(tune_tally, error),
	FIELD(tune_row, rule),
	FIELD(tune_row, congestion),
	FIELD(tune_row, value),
};
#undef FIELD

#define SIZE(type) { #type, "", sizeof(struct type) }
constexpr LayoutField kSizes[] = {
	SIZE(mesh_settings), SIZE(mesh_vip),     SIZE(mesh_except), SIZE(mesh_endpoint), SIZE(mesh_load),
	SIZE(mesh_row),      SIZE(mesh_service), SIZE(mesh_pick),   SIZE(mesh_times),    SIZE(tune_settings),
	SIZE(tune_rule),     SIZE(tune_tally),   SIZE(tune_record), SIZE(tune_row),
};
#undef SIZE

} // namespace

void CheckMeshLayout(const btf* btf) { CheckFields(btf, kSizes, kFields); }

} // namespace sidestep
