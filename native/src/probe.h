// SPDX-License-Identifier: Apache-2.0
// What this kernel can do, found by trying it on throw-away targets. Nothing here reads a version.
#pragma once

#include <string>
#include <vector>

namespace Napi {
class CallbackInfo;
class Value;
} // namespace Napi

namespace sidestep {

enum class Answer { kYes, kNo, kUnknown };

struct ProgramProbe {
	std::string type;
	Answer loads;
	Answer attaches;
	std::string detail; // the step that failed and why, or how it attached
	std::string use;    // what Sidestep uses the type for
};

struct FeatureProbe {
	std::string name;
	Answer answer;
	std::string since; // a kernel version, to explain a `no`; never the ground for one
	std::string detail;
};

// Any thread may call these. They take well under two seconds, leave no descriptor, cgroup or
// namespace behind, and change no socket, device or cgroup of anyone else.
std::vector<ProgramProbe> ProbePrograms();
std::vector<FeatureProbe> ProbeFeatures();
// May programs read kernel memory by plain loads (bpf_rdonly_cast)? Costs one load of a program.
Answer ProbeCasts();
// Can fentry be attached to this function of the kernel?
Answer ProbeFentry(const char* function);

// probePrograms() -> {type, loads, attaches, detail, use}[]; answers are 'yes', 'no' or 'unknown'
Napi::Value ProbeProgramsJs(const Napi::CallbackInfo& info);
// probeFeatures() -> {name, answer, since, detail}[]
Napi::Value ProbeFeaturesJs(const Napi::CallbackInfo& info);
// probeCasts() -> 'yes', 'no' or 'unknown'
Napi::Value ProbeCastsJs(const Napi::CallbackInfo& info);

} // namespace sidestep
