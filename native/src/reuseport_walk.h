// SPDX-License-Identifier: Apache-2.0
// What there is on this host: sockets that share a port, who holds them, and what their namespaces do at a close.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "reuseport.h"

namespace sidestep {

// Every listening TCP socket and unconnected UDP socket with SO_REUSEPORT, in every network namespace.
std::vector<sidestep_reuse_row> WalkSharers(const Reuseport& reuseport);

struct Holder {
	uint32_t pid;
	int fd;
};

// A process and descriptor for each of these inodes; the process with the lowest number where several hold it.
std::map<uint64_t, Holder> FindHolders(const std::set<uint64_t>& inodes);

// net.ipv4.tcp_migrate_req by namespace; with `value`, it is written first. A namespace that has gone is left out.
std::map<uint32_t, int> MigrateSysctl(const std::set<uint32_t>& namespaces, const int* value);

} // namespace sidestep
