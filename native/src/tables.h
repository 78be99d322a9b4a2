// SPDX-License-Identifier: Apache-2.0
// Maps as JavaScript sees them: sums over CPUs, batches, words instead of numbers.
#pragma once

#include <napi.h>

#include "datapath.h"
#include "layout.h"

namespace sidestep {

Napi::Array ReasonNames(Napi::Env env);
const char* ReasonName(uint32_t reason);
std::string PairIdText(sidestep_pair_id id);
sidestep_pair_id ParsePairId(Napi::Env env, const std::string& text);
Napi::Object TrafficToJs(Napi::Env env, const sidestep_traffic& traffic);

Napi::Value CountersToJs(Napi::Env env, const Datapath& datapath);
Napi::Value PairsToJs(Napi::Env env, const Datapath& datapath);
Napi::Value EdgesToJs(Napi::Env env, const Datapath& datapath);
Napi::Value MapsToJs(Napi::Env env, const Datapath& datapath);

// Bring what the pairs say of TCP up to date, and judge them again.
sidestep_refreshed Refresh(const Datapath& datapath);
// Every pair, as the programs last saw it.
std::vector<std::pair<sidestep_pair_id, sidestep_pair>> ReadPairs(const Datapath& datapath);
// Every known listener, by the address of its socket.
std::vector<std::pair<uint64_t, sidestep_listener>> ReadListeners(const Datapath& datapath);
// Entries of a map that has no count of its own.
uint32_t CountKeys(int fd, size_t key_size);
// Sockets that are in the sockhash now.
uint32_t CountSockets(const Datapath& datapath);

} // namespace sidestep
