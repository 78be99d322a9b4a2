// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace sidestep {

Napi::Function DefineFrontDoor(Napi::Env env);
Napi::Object DoorNames(Napi::Env env);
// borrowListener({ pid, descriptor, address, port }) -> a descriptor of this process for the same socket, which the caller closes.
Napi::Value BorrowListener(const Napi::CallbackInfo& info);

} // namespace sidestep
