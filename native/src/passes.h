// SPDX-License-Identifier: Apache-2.0
// Passes over the live sockets of the host, off the event loop: one iterator run for each network namespace that has
// a socket of interest.
#pragma once

#include <napi.h>

#include <memory>

#include "datapath.h"
#include "layout.h"

namespace sidestep {

// Take sockets out of the map, each only when nothing of it can be lost. `only`: see struct sidestep_retire. `tries`: how
// often a socket that is not quiet is looked at, a fifth of a millisecond apart.
// Resolves to {removed, unread, sending, unlocked, tracked, unreachable, left}.
Napi::Value RetirePass(Napi::Env env, std::shared_ptr<Datapath> datapath, sidestep_pair_id only, uint32_t tries);

// See how accepted connections read, and adopt those of listeners that are known to suit. Resolves to the number of
// pairs that are still undecided.
Napi::Value LearnPass(Napi::Env env, std::shared_ptr<Datapath> datapath);

// Meet every socket that has a record, and end the records of those that two counts in a row have not met. `number`: 1 to
// 65535, one more than that of the count before. Resolves to {deaf, gone}.
Napi::Value CensusPass(Napi::Env env, std::shared_ptr<Datapath> datapath, uint16_t number);

// Look at the streams on TCP: which of them have turned conversational? Resolves to {streams, back}.
Napi::Value PlacePass(Napi::Env env, std::shared_ptr<Datapath> datapath);

} // namespace sidestep
