// SPDX-License-Identifier: Apache-2.0
#include "error.h"

#include <cerrno>
#include <cstring>

namespace sidestep {
namespace {

struct Words {
	int err;
	const char* cause;
	const char* remedy;
};

// What bpf(2) and bpffs mean by these numbers, and what a person can do about it.
constexpr Words kWords[] = {
	{ EPERM,
	  "a capability is missing, or SELinux, AppArmor, lockdown or kernel.unprivileged_bpf_disabled forbids it",
	  "run as root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; `sidestep check` shows the state "
	  "of each" },
	{ EACCES, "the verifier refused a program, or a security module denied access",
	  "set log.level to debug for the verifier's log, and report it with the kernel version" },
	{ ENOMEM, "the kernel could not allocate memory", "lower datapath.maxPairs or free memory" },
	{ E2BIG, "a map size is over the kernel's limit, or the map is full", "lower or raise datapath.maxPairs" },
	{ EINVAL, "this kernel does not know the feature", "`sidestep check` lists what this kernel has" },
	{ ENOENT, "it does not exist", "check the path" },
	{ EEXIST, "it exists already", "stop the agent that owns it, or remove it by hand" },
	{ EBUSY, "another program owns the hook", "`sidestep check` names the owners of the hooks" },
	{ ENOSPC, "no space is left for it", "remove old pins under the pin path" },
	{ EWOULDBLOCK, "another process holds it", "stop the other agent first" },
	{ ENOTSUP, "this kernel does not support it", "`sidestep check` lists what this kernel has" },
};

} // namespace

std::string ErrnoWords(int err) {
	// The kernel has numbers that libc does not know, such as 524 (ENOTSUPP).
	const char* name = strerrorname_np(err);
	const char* words = strerrordesc_np(err);
	return (name ? name : "errno " + std::to_string(err)) + (words ? std::string(": ") + words : "");
}

KernelError::KernelError(std::string code_, std::string operation_, int err_, std::string log_)
    : std::runtime_error("could not " + operation_ + (err_ ? " (" + ErrnoWords(err_) + ")" : "")),
      code(std::move(code_)), operation(std::move(operation_)), log(std::move(log_)), err(err_) {
	for (const Words& words : kWords) {
		if (words.err != err) continue;
		cause = words.cause;
		remedy = words.remedy;
	}
}

Napi::Error ToJs(Napi::Env env, const KernelError& error) {
	Napi::Error js = Napi::Error::New(env, error.what());
	js.Set("code", error.code);
	js.Set("operation", error.operation);
	js.Set("reason", error.cause);
	js.Set("remedy", error.remedy);
	js.Set("errno", Napi::Number::New(env, error.err));
	js.Set("log", error.log);
	return js;
}

Napi::Error Closed(Napi::Env env, const std::string& what) {
	Napi::Error error = Napi::Error::New(env, what + " is closed");
	error.Set("code", "closed");
	return error;
}

} // namespace sidestep
