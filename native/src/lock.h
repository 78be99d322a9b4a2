// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace sidestep {

// lockDirectory(path) -> release(): an exclusive flock on a directory, so that one agent owns its pins.
// Throws `locked` with the holder's pid in the message. The kernel drops the lock when the process dies.
Napi::Value LockDirectory(const Napi::CallbackInfo& info);

} // namespace sidestep
