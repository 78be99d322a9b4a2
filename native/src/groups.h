// SPDX-License-Identifier: Apache-2.0
// Open pairs by what they have in common: what metrics and totals ask of a hundred thousand pairs, without an object for each.
#pragma once

#include <napi.h>

#include "datapath.h"

namespace sidestep {

// [{state, selector, client, server, port, clientCgroup, serverCgroup, connections, accelerated, clientSent, serverSent}]. What an
// end has sent that has closed is in the edges already, and is left out.
Napi::Value GroupsToJs(Napi::Env env, const Datapath& datapath);

} // namespace sidestep
