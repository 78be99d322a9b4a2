// SPDX-License-Identifier: Apache-2.0
// Table of contents of the addon. Nothing is global: two environments (worker threads) may load it side by side.
#include <napi.h>

#include "datapath_js.h"
#include "direct_js.h"
#include "frontdoor_js.h"
#include "lock.h"
#include "mesh_js.h"
#include "notify.h"
#include "owners.h"
#include "privileges.h"
#include "probe.h"
#include "reuseport_js.h"
#include "tables.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
	exports.Set("NativeDatapath", sidestep::DefineDatapath(env));
	exports.Set("NativeDirect", sidestep::DefineDirect(env));
	exports.Set("NativeMesh", sidestep::DefineMesh(env));
	exports.Set("NativeFrontDoor", sidestep::DefineFrontDoor(env));
	exports.Set("doorNames", sidestep::DoorNames(env));
	exports.Set("borrowListener", Napi::Function::New(env, sidestep::BorrowListener, "borrowListener"));
	exports.Set("lockDirectory", Napi::Function::New(env, sidestep::LockDirectory, "lockDirectory"));
	exports.Set("notify", Napi::Function::New(env, sidestep::Notify, "notify"));
	exports.Set("shedPrivileges", Napi::Function::New(env, sidestep::ShedPrivileges, "shedPrivileges"));
	exports.Set("probePrograms", Napi::Function::New(env, sidestep::ProbeProgramsJs, "probePrograms"));
	exports.Set("probeFeatures", Napi::Function::New(env, sidestep::ProbeFeaturesJs, "probeFeatures"));
	exports.Set("probeCasts", Napi::Function::New(env, sidestep::ProbeCastsJs, "probeCasts"));
	exports.Set("hookOwners", Napi::Function::New(env, sidestep::HookOwners, "hookOwners"));
	exports.Set("reasonNames", sidestep::ReasonNames(env));
	sidestep::DefineReuseport(env, exports);
	return exports;
}

} // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
