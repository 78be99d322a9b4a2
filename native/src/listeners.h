// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <napi.h>

#include <memory>

#include "datapath.h"

namespace sidestep {

// Sockets that listened before the programs came: find them in every network namespace and learn whose they are, so
// that their connections carry a name like any other. Off the event loop. Resolves to how many got a name.
Napi::Value AdoptListeners(Napi::Env env, std::shared_ptr<Datapath> datapath);

} // namespace sidestep
