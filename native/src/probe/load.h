// SPDX-License-Identifier: Apache-2.0
// Programs of two instructions, which only say that everything passes: does this kernel take one of the type?
#pragma once

#include <bpf/bpf.h>

#include "scratch.h"

namespace sidestep::probe {

struct Program {
	bpf_prog_type type;
	int attach_type;        // expected_attach_type, 0 where the type has none
	int returns;            // the verdict that lets everything pass
	const char* btf_target; // what a tracing program hangs on
};

// `loaded` says how it went; the descriptor is valid only after a yes.
UniqueFd Load(const KernelBtf& btf, const Program& program, Step& loaded);

// Loads a program that calls these two, as ours do: may it read kernel memory by plain loads?
Step LoadWithCasts(const KernelBtf& btf);

} // namespace sidestep::probe
