// SPDX-License-Identifier: Apache-2.0
// Reading maps as a whole.
#pragma once

#include <bpf/bpf.h>

#include <cerrno>
#include <ctime>
#include <utility>
#include <vector>

#include "error.h"

namespace sidestep {

// Read a hash map in batches. A bucket may hold more than fits: the kernel says ENOSPC and the batch doubles.
template <typename Key, typename Value> std::vector<std::pair<Key, Value>> ReadAll(int fd) {
	std::vector<std::pair<Key, Value>> out;
	uint32_t batch = 1024, in = 0, next = 0;
	std::vector<Key> keys;
	std::vector<Value> values;
	bool first = true;
	for (;;) {
		keys.resize(batch);
		values.resize(batch);
		uint32_t count = batch;
		int err = bpf_map_lookup_batch(fd, first ? nullptr : &in, &next, keys.data(), values.data(), &count,
					       nullptr) < 0
				  ? errno
				  : 0;
		if (err == ENOSPC) {
			batch *= 2;
			continue;
		}
		if (err && err != ENOENT) throw KernelError("kernel_refused", "read a map", err);
		for (uint32_t i = 0; i < count; i++)
			out.emplace_back(keys[i], values[i]);
		if (err == ENOENT) return out;
		in = next;
		first = false;
	}
}

// The clock of the programs, in milliseconds.
inline double NowMs() {
	timespec now{};
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

} // namespace sidestep
