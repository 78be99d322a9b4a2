// SPDX-License-Identifier: Apache-2.0
// Rules for the TCP settings of connections: written, counted, and what each connection got.
#pragma once

#include <utility>
#include <vector>

#include "mesh.h"
#include "mesh_tune.h"

namespace sidestep {

// Replaces the list in one step. Counts of rules that are still there go on. At most TUNE_RULES.
void PutTuning(Mesh& mesh, const std::vector<tune_rule>& rules);
std::vector<std::pair<uint32_t, tune_tally>> Tallies(const Mesh& mesh);
// In every network namespace; may take a while.
std::vector<tune_row> TunedSockets(const Mesh& mesh);
// What the programs call a time: ticks of the kernel, at least one.
uint32_t TicksOf(uint32_t ms);

} // namespace sidestep
