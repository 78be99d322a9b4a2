// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

namespace sidestep {

Napi::Function DefineFrontDoor(Napi::Env env);
Napi::Array DoorOutcomes(Napi::Env env);

} // namespace sidestep
