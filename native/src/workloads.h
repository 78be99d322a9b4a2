// SPDX-License-Identifier: Apache-2.0
// What the guard knows: rows of workloads, the repute of programs, and the processes that both are about.
#pragma once

#include <napi.h>

#include <vector>

#include "datapath.h"
#include "layout.h"

namespace sidestep {

// Every process (0), or one of them, as the kernel names it.
std::vector<sidestep_process> ReadProcesses(const Datapath& datapath, uint32_t pid);

Napi::Value ProfilesToJs(Napi::Env env, const Datapath& datapath);
Napi::Value ProcessesToJs(Napi::Env env, const Datapath& datapath, uint32_t pid);

// seed(process, habits): the row of its workload begins with these habits, or has them added. What was seen live stays.
void SeedWorkload(const Datapath& datapath, const Napi::Object& process, const Napi::Object& habits);
// False if there was no such row. Listeners of the workload are learned anew as well.
bool ForgetWorkload(const Datapath& datapath, uint64_t workload);
// setRepute(program, habits | null): what new workloads of this program begin with.
void SetRepute(const Datapath& datapath, const Napi::Object& program, const Napi::Value& habits);

} // namespace sidestep
