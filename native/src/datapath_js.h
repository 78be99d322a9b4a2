// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace sidestep {

// The class NativeDatapath of the addon; native/index.ts documents each call.
Napi::Function DefineDatapath(Napi::Env env);

} // namespace sidestep
