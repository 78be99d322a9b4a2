// SPDX-License-Identifier: Apache-2.0
// Reading maps as a whole.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <iterator>
#include <utility>
#include <vector>

#include "error.h"

namespace sidestep {

// Read a hash map in batches, each entry given to `visit`. A bucket may hold more than fits: the kernel says ENOSPC and the batch
// doubles.
template <typename Key, typename Value, typename Visit> void ForEach(int fd, Visit visit) {
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
			visit(keys[i], values[i]);
		if (err == ENOENT) return;
		in = next;
		first = false;
	}
}

template <typename Key, typename Value> std::vector<std::pair<Key, Value>> ReadAll(int fd) {
	std::vector<std::pair<Key, Value>> out;
	ForEach<Key, Value>(fd, [&](const Key& key, const Value& value) { out.emplace_back(key, value); });
	return out;
}

// A row of a per-CPU array whose struct is of nothing but __u64, added up.
template <typename Row> Row SumOverCpus(int fd, uint32_t key, const char* what) {
	static_assert(sizeof(Row) % sizeof(uint64_t) == 0);
	int cpus = libbpf_num_possible_cpus();
	if (cpus < 1) throw KernelError("kernel_refused", "count the CPUs", -cpus);
	std::vector<Row> each(cpus);
	if (bpf_map_lookup_elem(fd, &key, each.data()) < 0) throw KernelError("kernel_refused", what, errno);
	uint64_t sum[sizeof(Row) / sizeof(uint64_t)] = {};
	for (const Row& one : each) {
		const auto* values = reinterpret_cast<const uint64_t*>(&one);
		for (size_t i = 0; i < std::size(sum); i++)
			sum[i] += values[i];
	}
	Row total;
	memcpy(&total, sum, sizeof(total));
	return total;
}

// The clock of the programs, in milliseconds.
inline double NowMs() {
	timespec now{};
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

} // namespace sidestep
