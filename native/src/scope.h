// SPDX-License-Identifier: Apache-2.0
// Selectors on their way from JavaScript into the kernel.
#pragma once

#include <napi.h>

#include "datapath.h"
#include "layout.h"

namespace sidestep {

// Throws a TypeError for what is no list of selectors.
sidestep_scope ScopeFromJs(Napi::Env env, Napi::Value list);

} // namespace sidestep
