// SPDX-License-Identifier: Apache-2.0
// The word of the chooser that a group has changed, on Node's own loop: no thread.
#pragma once

#include <bpf/libbpf.h>
#include <napi.h>
#include <uv.h>

namespace sidestep {

class ReuseportEvents {
      public:
	ReuseportEvents(Napi::Env env, int map, Napi::Function listener);
	~ReuseportEvents();
	ReuseportEvents(const ReuseportEvents&) = delete;
	ReuseportEvents& operator=(const ReuseportEvents&) = delete;

      private:
	void Wake();

	Napi::Env env_;
	Napi::FunctionReference listener_;
	Napi::AsyncContext context_;
	ring_buffer* ring_ = nullptr;
	uv_poll_t* poll_ = nullptr; // outlives this object until libuv has closed it
};

} // namespace sidestep
