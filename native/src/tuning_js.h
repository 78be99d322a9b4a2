// SPDX-License-Identifier: Apache-2.0
// Tuning between JavaScript and the kernel's structs.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "arguments.h"
#include "tuning.h"

namespace sidestep {

tune_rule RuleOf(const Arguments& from);
Napi::Array TalliesToJs(Napi::Env env, const Mesh& mesh);
// A promise of rows.
Napi::Value TunedToJs(Napi::Env env, std::shared_ptr<Mesh> mesh);

} // namespace sidestep
