// SPDX-License-Identifier: Apache-2.0
// What every object of kernel programs needs: the verifier's words, pins, who is on a hook, and whole maps.
#pragma once

#include <bpf/bpf.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "error.h"

namespace sidestep {

// Collect what libbpf and the verifier say on this thread from now on.
void StartCollecting();
const std::string& Collected();

// Make a directory for pins, closed to others.
void MakePinDir(const std::string& path);
void RequireBpffs(const std::string& path);
// Remove a directory of pins and what is in it. Never follows a link, never leaves bpffs.
void RemovePins(const std::string& dir);

bpf_prog_info ProgramInfoOf(int fd);
std::string Hex(const uint8_t* bytes, size_t n);
// Who sits on a hook of a cgroup, by name; "" when nobody does.
std::string OwnersOf(int target, bpf_attach_type type);

// The cgroup that a link is attached to, and the one of a directory: the id of a cgroup v2 is its inode number.
uint64_t CgroupOf(int link);
uint64_t InodeOf(const std::string& path);

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

} // namespace sidestep
