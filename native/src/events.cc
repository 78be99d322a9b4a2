// SPDX-License-Identifier: Apache-2.0
#include "events.h"

#include <node_api.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "error.h"
#include "tables.h"

namespace sidestep {
namespace {

constexpr size_t kBatch = 1024;
constexpr const char* kTypes[] = { "", "open", "refused", "fallback", "close", "workload" };

double WallOffsetMs() {
	timespec wall{}, mono{};
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return (wall.tv_sec - mono.tv_sec) * 1e3 + (wall.tv_nsec - mono.tv_nsec) / 1e6;
}

} // namespace

Events::Events(Napi::Env env, int map, Napi::Function listener)
    : env_(env), listener_(Napi::Persistent(listener)), context_(env, "sidestep:events") {
	uv_loop_t* loop = nullptr;
	napi_get_uv_event_loop(env, &loop);
	ring_ = ring_buffer__new(map, Take, this, nullptr);
	if (!ring_) throw KernelError("kernel_refused", "open the event buffer", errno);
	poll_ = new uv_poll_t;
	poll_->data = this;
	if (uv_poll_init(loop, poll_, ring_buffer__epoll_fd(ring_)) != 0) {
		delete poll_;
		ring_buffer__free(ring_);
		throw KernelError("kernel_refused", "watch the event buffer", EINVAL);
	}
	uv_poll_start(poll_, UV_READABLE,
		      [](uv_poll_t* handle, int, int) { static_cast<Events*>(handle->data)->Wake(); });
	// An idle listener must not hold the process (ops-tsfn-keeps-process).
	uv_unref(reinterpret_cast<uv_handle_t*>(poll_));
}

Events::~Events() {
	uv_poll_stop(poll_);
	uv_close(reinterpret_cast<uv_handle_t*>(poll_),
		 [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
	ring_buffer__free(ring_);
}

int Events::Take(void* self, void* data, size_t size) {
	auto* events = static_cast<Events*>(self);
	if (size < sizeof(sidestep_event)) return 0;
	sidestep_event event;
	memcpy(&event, data, sizeof(event));
	events->batch_.push_back(event);
	// A negative answer ends this round; what is left wakes us again, so timers and requests get their turn.
	return events->batch_.size() >= kBatch ? -EAGAIN : 0;
}

void Events::Wake() {
	batch_.clear();
	ring_buffer__consume(ring_);
	if (batch_.empty()) return;
	Napi::HandleScope scope(env_);
	double offset = WallOffsetMs();
	Napi::Array js = Napi::Array::New(env_, batch_.size());
	uint32_t index = 0;
	for (const sidestep_event& event : batch_) {
		Napi::Object row = Napi::Object::New(env_);
		row.Set("type", kTypes[event.type <= EVENT_WORKLOAD ? event.type : 0]);
		row.Set("id", PairIdText(event.id));
		row.Set("reason", ReasonName(event.reason));
		row.Set("at", event.at_ns / 1e6 + offset);
		row.Set("clientSent", TrafficToJs(env_, event.sent[SIDESTEP_CLIENT]));
		row.Set("serverSent", TrafficToJs(env_, event.sent[SIDESTEP_SERVER]));
		js.Set(index++, row);
	}
	try {
		listener_.MakeCallback(env_.Global(), { js }, context_);
	} catch (const Napi::Error& error) {
		napi_fatal_exception(env_, error.Value());
	}
}

} // namespace sidestep
