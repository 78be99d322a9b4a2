// SPDX-License-Identifier: Apache-2.0
// Resetting connections from outside, for kernels whose programs cannot (bpf_sock_destroy came with 6.5): what `ss -K`
// does, over netlink.
#pragma once

#include <cstdint>
#include <set>

namespace sidestep {

// Resets the connected TCP sockets of these inode numbers in the network namespace of the calling thread. Returns 0, or
// errno: EOPNOTSUPP where the kernel was built without CONFIG_INET_DIAG_DESTROY. A socket that has gone is no error.
int ResetSockets(const std::set<uint64_t>& inodes);

} // namespace sidestep
