// SPDX-License-Identifier: Apache-2.0
// Connections that were open before anybody watched: both ends are searched, and given their record.
#pragma once

#include <napi.h>

#include <memory>

#include "datapath.h"

namespace sidestep {

// Resolves to {sockets, pairs, tracked}.
Napi::Value FindOpenPass(Napi::Env env, std::shared_ptr<Datapath> datapath);

} // namespace sidestep
