// SPDX-License-Identifier: Apache-2.0
// Work off the event loop that ends in a promise, with a kernel error in words.
#pragma once

#include <napi.h>

#include <memory>

#include "datapath.h"
#include "error.h"

namespace sidestep {

class Worker : public Napi::AsyncWorker {
      public:
	Worker(Napi::Env env, const char* name, std::shared_ptr<Datapath> datapath)
	    : Napi::AsyncWorker(env, name), datapath_(std::move(datapath)),
	      deferred_(Napi::Promise::Deferred::New(env)) {}

	// The worker deletes itself when it has answered.
	static Napi::Promise Start(Worker* worker) {
		Napi::Promise promise = worker->deferred_.Promise();
		worker->Queue();
		return promise;
	}

      protected:
	virtual void Work(Datapath& datapath) = 0;
	virtual Napi::Value Answer(Napi::Env env) = 0;

      private:
	void Execute() override {
		try {
			Work(*datapath_);
		} catch (const KernelError& error) {
			failure_ = std::make_unique<KernelError>(error);
			SetError(error.what());
		}
	}
	void OnOK() override { deferred_.Resolve(Answer(Env())); }
	void OnError(const Napi::Error& error) override {
		deferred_.Reject(failure_ ? ToJs(Env(), *failure_).Value() : error.Value());
	}

	std::shared_ptr<Datapath> datapath_; // the JS object may be closed meanwhile
	Napi::Promise::Deferred deferred_;
	std::unique_ptr<KernelError> failure_;
};

} // namespace sidestep
