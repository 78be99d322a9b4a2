// SPDX-License-Identifier: Apache-2.0
// Maps as JavaScript sees them: sums over CPUs, batches, words instead of numbers.
#pragma once

#include <napi.h>

#include <functional>

#include "busiest.h"
#include "datapath.h"
#include "layout.h"

namespace sidestep {

Napi::Array ReasonNames(Napi::Env env);
const char* ReasonName(uint32_t reason);
const char* StateName(uint32_t state);
// The name of a process, of SIDESTEP_COMM bytes at most.
std::string Comm(const char* comm);
// What an end sent, with the bytes that TCP carried before it was, or without ever being, in the map.
sidestep_traffic SentBy(const sidestep_endpoint& end);
std::string PairIdText(sidestep_pair_id id);
sidestep_pair_id ParsePairId(Napi::Env env, const std::string& text);
Napi::Object TrafficToJs(Napi::Env env, const sidestep_traffic& traffic);

Napi::Value CountersToJs(Napi::Env env, const Datapath& datapath);
Napi::Value PairsToJs(Napi::Env env, const Datapath& datapath);
// Only some of them.
Napi::Value BusiestToJs(Napi::Env env, const Datapath& datapath, Busiest& busiest, uint32_t most);
Napi::Value EdgesToJs(Napi::Env env, const Datapath& datapath);
Napi::Value MapsToJs(Napi::Env env, const Datapath& datapath);

// Bring what the pairs say of TCP up to date, and judge them again.
sidestep_refreshed Refresh(const Datapath& datapath);
// Every pair, as the programs last saw it. They are not kept: a hundred thousand are sixty megabytes.
void ForEachPair(const Datapath& datapath, const std::function<void(sidestep_pair_id, const sidestep_pair&)>& visit);
// Every known listener, by the address of its socket.
std::vector<std::pair<uint64_t, sidestep_listener>> ReadListeners(const Datapath& datapath);
// Sockets that are in the sockhash now.
uint32_t CountSockets(const Datapath& datapath);

} // namespace sidestep
