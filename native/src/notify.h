// SPDX-License-Identifier: Apache-2.0
// A word to the service manager: one datagram to a unix socket, which Node.js itself cannot send.
#pragma once

#include <napi.h>

namespace sidestep {

// notify(path, text): `path` as in NOTIFY_SOCKET; a leading @ means the abstract namespace.
Napi::Value Notify(const Napi::CallbackInfo& info);

} // namespace sidestep
