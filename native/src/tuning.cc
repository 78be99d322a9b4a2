// SPDX-License-Identifier: Apache-2.0
#include "tuning.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "error.h"
#include "maps.h"
#include "namespaces.h"

namespace sidestep {

uint32_t TicksOf(uint32_t ms) {
	// The coarse clock advances once a tick, and says how long that is.
	timespec tick{};
	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	auto length = static_cast<uint64_t>(tick.tv_nsec);
	return std::max<uint32_t>(1, static_cast<uint32_t>((ms * 1000000ULL + length - 1) / length));
}

void PutTuning(Mesh& mesh, const std::vector<tune_rule>& rules) {
	int settings_map = mesh.map("tune_settings"), tallies = mesh.map("tune_tallies");
	uint32_t zero = 0;
	tune_settings settings{};
	if (!rules.empty()) mesh.WantTuning(true);
	if (bpf_map_lookup_elem(settings_map, &zero, &settings) < 0)
		throw KernelError("kernel_refused", "read which rules are in force", errno);
	settings.half ^= 1;
	settings.count = static_cast<uint32_t>(rules.size());
	for (uint32_t i = 0; i < settings.count; i++) {
		tune_tally none{};
		uint32_t index = settings.half * TUNE_RULES + i;
		if (bpf_map_update_elem(tallies, &rules[i].id, &none, BPF_NOEXIST) < 0 && errno != EEXIST)
			throw KernelError("kernel_refused", "write the counts of a rule", errno);
		if (bpf_map_update_elem(mesh.map("tune_rules"), &index, &rules[i], BPF_ANY) < 0)
			throw KernelError("kernel_refused", "write a rule", errno);
	}
	if (bpf_map_update_elem(settings_map, &zero, &settings, BPF_ANY) < 0)
		throw KernelError("kernel_refused", "put rules in force", errno);
	if (rules.empty()) mesh.WantTuning(false);
	for (const auto& [id, tally] : Tallies(mesh)) {
		bool there = std::any_of(rules.begin(), rules.end(),
					 [id = id](const tune_rule& rule) { return rule.id == id; });
		if (!there && bpf_map_delete_elem(tallies, &id) < 0 && errno != ENOENT)
			throw KernelError("kernel_refused", "remove the counts of a rule", errno);
	}
}

std::vector<std::pair<uint32_t, tune_tally>> Tallies(const Mesh& mesh) {
	return ReadAll<uint32_t, tune_tally>(mesh.map("tune_tallies"));
}

std::vector<tune_row> TunedSockets(const Mesh& mesh) {
	UniqueFd link(bpf_link_create(mesh.program("sidestep_mesh_tuned"), 0, BPF_TRACE_ITER, nullptr));
	if (!link) throw KernelError("kernel_refused", "attach sidestep_mesh_tuned", errno);
	std::vector<char> bytes;
	for (const auto& [inum, fd] : OpenNamespaces(nullptr))
		RunIterator(link.get(), fd.get(),
			    [&](const char* data, size_t count) { bytes.insert(bytes.end(), data, data + count); });
	std::vector<tune_row> rows(bytes.size() / sizeof(tune_row));
	memcpy(rows.data(), bytes.data(), rows.size() * sizeof(tune_row));
	return rows;
}

} // namespace sidestep
