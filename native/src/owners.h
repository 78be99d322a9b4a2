// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace sidestep {

// hookOwners(cgroupPath) -> {name, id, type, hook}[]: programs of others on the hooks that Sidestep uses: sock_ops in
// effect for that cgroup, and message or stream programs anywhere on the host (each may own sockets that we want).
Napi::Value HookOwners(const Napi::CallbackInfo& info);

} // namespace sidestep
