// SPDX-License-Identifier: Apache-2.0
// Connection events on Node's own loop: no thread. One wake-up takes a bounded batch.
#pragma once

#include <bpf/libbpf.h>
#include <napi.h>
#include <uv.h>

#include <memory>
#include <vector>

#include "layout.h"

namespace sidestep {

class Events {
      public:
	Events(Napi::Env env, int map, Napi::Function listener);
	~Events();
	Events(const Events&) = delete;
	Events& operator=(const Events&) = delete;

      private:
	static int Take(void* self, void* data, size_t size);
	void Wake();

	Napi::Env env_;
	Napi::FunctionReference listener_;
	Napi::AsyncContext context_;
	ring_buffer* ring_ = nullptr;
	uv_poll_t* poll_ = nullptr; // outlives this object until libuv has closed it
	std::vector<sidestep_event> batch_;
};

} // namespace sidestep
