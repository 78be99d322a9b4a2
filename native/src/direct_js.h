// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace sidestep {

Napi::Function DefineDirect(Napi::Env env);

} // namespace sidestep
