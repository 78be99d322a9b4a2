// SPDX-License-Identifier: Apache-2.0
// What every object of kernel programs needs: the verifier's words, and who is on a hook.
#pragma once

#include <bpf/bpf.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace sidestep {

// Collect what libbpf and the verifier say on this thread from now on.
void StartCollecting();
const std::string& Collected();

bpf_prog_info ProgramInfoOf(int fd);
std::string Hex(const uint8_t* bytes, size_t n);
// Who sits on a hook of a cgroup, by name; "" when nobody does.
std::string OwnersOf(int target, bpf_attach_type type);

// Run once a program that the agent calls itself; what it has to say it writes into its context, or returns.
uint32_t RunProgram(int fd, const char* what, void* context = nullptr, size_t size = 0);

// The cgroup that a link is attached to, and the one of a directory: the id of a cgroup v2 is its inode number.
uint64_t CgroupOf(int link);
uint64_t InodeOf(const std::string& path);

} // namespace sidestep
