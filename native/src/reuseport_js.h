// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace sidestep {

// The class NativeReuseport, and the functions beside it, on the exports of the addon.
void DefineReuseport(Napi::Env env, Napi::Object exports);

} // namespace sidestep
