// SPDX-License-Identifier: Apache-2.0
// Which backend gets the next connection: the one with the fewest for its weight; those that failed lately come last.
#pragma once

#include <algorithm>

#include "listener.h"

namespace sidestep::door {

constexpr int64_t kFirstRestMs = 500, kLongestRestMs = 30'000;

// Nothing when all were tried.
inline std::shared_ptr<Backend> Choose(const Backends& backends, const std::vector<Backend*>& tried, uint32_t turn,
				       int64_t now_ms) {
	std::shared_ptr<Backend> best;
	double least = 0;
	bool rests = false;
	for (size_t step = 0; step < backends.size(); step++) {
		// From another place each time, so that equals take turns.
		const auto& backend = backends[(turn + step) % backends.size()];
		const uint32_t weight = backend->weight.load(std::memory_order_relaxed);
		if (weight == 0 || std::find(tried.begin(), tried.end(), backend.get()) != tried.end()) continue;
		const double load = (backend->active.load(std::memory_order_relaxed) + 1.0) / weight;
		const bool resting = backend->rests_until_ms.load(std::memory_order_relaxed) > now_ms;
		if (best && (resting != rests ? resting : load >= least)) continue;
		best = backend;
		least = load;
		rests = resting;
	}
	return best;
}

inline void NoteFailure(Backend& backend, int64_t now_ms) {
	backend.failures.fetch_add(1, std::memory_order_relaxed);
	const uint32_t before = backend.failures_in_row.fetch_add(1, std::memory_order_relaxed);
	backend.rests_until_ms = now_ms + std::min(kLongestRestMs, kFirstRestMs << std::min(before, 10U));
}

inline void NoteSuccess(Backend& backend) {
	backend.failures_in_row.store(0, std::memory_order_relaxed);
	backend.rests_until_ms.store(0, std::memory_order_relaxed);
}

} // namespace sidestep::door
