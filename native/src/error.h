// SPDX-License-Identifier: Apache-2.0
// errno becomes words here, once: code, what was tried, likely cause, what to do. The list of codes is closed.
#pragma once

#include <napi.h>

#include <stdexcept>
#include <string>

namespace sidestep {

class KernelError : public std::runtime_error {
      public:
	// `operation` finishes "could not ..."; `err` is a positive errno, 0 when the kernel was not asked.
	KernelError(std::string code, std::string operation, int err, std::string log = "");

	std::string code;
	std::string operation;
	std::string cause;
	std::string remedy;
	std::string log; // the verifier's words, when it had any
	int err;
};

// "EPERM: Operation not permitted"
std::string ErrnoWords(int err);

// Run `body`, turn a KernelError into a JS exception with the properties code, operation, cause, remedy, errno, log.
template <typename Body> auto Guarded(Napi::Env env, Body body) -> decltype(body());
Napi::Error ToJs(Napi::Env env, const KernelError& error);
// For whoever is used after close().
Napi::Error Closed(Napi::Env env, const std::string& what);

template <typename Body> auto Guarded(Napi::Env env, Body body) -> decltype(body()) {
	try {
		return body();
	} catch (const KernelError& error) {
		throw ToJs(env, error);
	}
}

} // namespace sidestep
