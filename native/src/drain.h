// SPDX-License-Identifier: Apache-2.0
// Sockets in the map of another layout: it has been switched off, and they leave it one by one, each when nothing of it
// can be lost. Then the pins of that layout go.
#pragma once

#include <napi.h>

#include <memory>

#include "datapath.h"

namespace sidestep {

// Resolves to {removed, left, layouts}: sockets taken out now, those still in, and how many layouts these are of.
Napi::Value DrainPass(Napi::Env env, std::shared_ptr<Datapath> datapath);

} // namespace sidestep
