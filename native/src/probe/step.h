// SPDX-License-Identifier: Apache-2.0
// One step of a probe: what the kernel answered, and in words why.
#pragma once

#include <string>
#include <utility>

#include "../probe.h"

namespace sidestep::probe {

struct Step {
	Answer answer;
	std::string detail;
};

// errno, as in error.h, and what only the kernel calls so.
std::string Words(int err);

inline Step Yes(std::string how = "") { return { Answer::kYes, std::move(how) }; }

// `no`, or `unknown` where the number is not about the kernel.
Step Refused(const std::string& what, int err);

Step CouldNotAsk(const std::string& what, int err);

} // namespace sidestep::probe
