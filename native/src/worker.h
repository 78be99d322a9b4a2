// SPDX-License-Identifier: Apache-2.0
// Work off the event loop that ends in a promise, with a kernel error in words.
#pragma once

#include <napi.h>

#include <memory>

#include "datapath.h"
#include "error.h"

namespace sidestep {

template <typename Owner> class WorkerOn : public Napi::AsyncWorker {
      public:
	WorkerOn(Napi::Env env, const char* name, std::shared_ptr<Owner> owner)
	    : Napi::AsyncWorker(env, name), owner_(std::move(owner)), deferred_(Napi::Promise::Deferred::New(env)) {}

	// The worker deletes itself when it has answered.
	static Napi::Promise Start(WorkerOn* worker) {
		Napi::Promise promise = worker->deferred_.Promise();
		worker->Queue();
		return promise;
	}

      protected:
	virtual void Work(Owner& owner) = 0;
	virtual Napi::Value Answer(Napi::Env env) = 0;

      private:
	void Execute() override {
		try {
			Work(*owner_);
		} catch (const KernelError& error) {
			failure_ = std::make_unique<KernelError>(error);
			SetError(error.what());
		}
	}
	void OnOK() override { deferred_.Resolve(Answer(Env())); }
	void OnError(const Napi::Error& error) override {
		deferred_.Reject(failure_ ? ToJs(Env(), *failure_).Value() : error.Value());
	}

	std::shared_ptr<Owner> owner_; // the JS object may be closed meanwhile
	Napi::Promise::Deferred deferred_;
	std::unique_ptr<KernelError> failure_;
};

using Worker = WorkerOn<Datapath>;

} // namespace sidestep
