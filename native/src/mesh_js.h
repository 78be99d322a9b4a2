// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace sidestep {

// The class NativeMesh of the addon; native/mesh.ts documents each call.
Napi::Function DefineMesh(Napi::Env env);

} // namespace sidestep
