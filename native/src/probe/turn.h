// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

namespace sidestep::probe {

// One probe at a time in a process: the scratch cgroup carries the pid.
inline std::unique_lock<std::mutex> TakeTurn() {
	static std::mutex probing;
	return std::unique_lock<std::mutex>(probing);
}

} // namespace sidestep::probe
