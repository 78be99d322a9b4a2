// SPDX-License-Identifier: Apache-2.0
// Capabilities of the calling thread: they belong to threads.
#pragma once

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "error.h"

namespace sidestep {

struct CapabilitySets {
	uint64_t effective, permitted, inheritable;
};

constexpr uint64_t CapabilityBit(int capability) { return uint64_t{ 1 } << capability; }

inline CapabilitySets HeldCapabilities() {
	__user_cap_header_struct header{ _LINUX_CAPABILITY_VERSION_3, 0 };
	__user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
	if (syscall(SYS_capget, &header, data) != 0) throw KernelError("kernel_refused", "read capabilities", errno);
	auto both = [&](uint32_t __user_cap_data_struct::* set) {
		return data[0].*set | uint64_t{ data[1].*set } << 32;
	};
	return { both(&__user_cap_data_struct::effective), both(&__user_cap_data_struct::permitted),
		 both(&__user_cap_data_struct::inheritable) };
}

} // namespace sidestep
