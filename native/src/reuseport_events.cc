// SPDX-License-Identifier: Apache-2.0
#include "reuseport_events.h"

#include <node_api.h>

#include <cerrno>

#include "error.h"

namespace sidestep {

ReuseportEvents::ReuseportEvents(Napi::Env env, int map, Napi::Function listener)
    : env_(env), listener_(Napi::Persistent(listener)), context_(env, "sidestep:reuseport") {
	uv_loop_t* loop = nullptr;
	napi_get_uv_event_loop(env, &loop);
	// Which group it was does not matter: whoever is told looks at all of them.
	ring_ = ring_buffer__new(map, [](void*, void*, size_t) { return 0; }, nullptr, nullptr);
	if (!ring_) throw KernelError("kernel_refused", "open the buffer of the chooser", errno);
	poll_ = new uv_poll_t;
	poll_->data = this;
	if (uv_poll_init(loop, poll_, ring_buffer__epoll_fd(ring_)) != 0) {
		delete poll_;
		ring_buffer__free(ring_);
		throw KernelError("kernel_refused", "watch the buffer of the chooser", EINVAL);
	}
	uv_poll_start(poll_, UV_READABLE,
		      [](uv_poll_t* handle, int, int) { static_cast<ReuseportEvents*>(handle->data)->Wake(); });
	uv_unref(reinterpret_cast<uv_handle_t*>(poll_));
}

ReuseportEvents::~ReuseportEvents() {
	uv_poll_stop(poll_);
	uv_close(reinterpret_cast<uv_handle_t*>(poll_),
		 [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
	ring_buffer__free(ring_);
}

void ReuseportEvents::Wake() {
	if (ring_buffer__consume(ring_) <= 0) return;
	Napi::HandleScope scope(env_);
	try {
		listener_.MakeCallback(env_.Global(), {}, context_);
	} catch (const Napi::Error& error) {
		napi_fatal_exception(env_, error.Value());
	}
}

} // namespace sidestep
