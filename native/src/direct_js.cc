// SPDX-License-Identifier: Apache-2.0
#include "direct_js.h"

#include <memory>
#include <utility>

#include "arguments.h"
#include "direct.h"
#include "door_arguments.h"
#include "error.h"
#include "worker.h"

namespace sidestep {
namespace {

#define X(symbol, name) name,
constexpr const char* kLeft[] = { DIRECT_LEFT(X) };
#undef X

class Finding : public WorkerOn<Direct> {
      public:
	Finding(Napi::Env env, std::shared_ptr<Direct> direct, std::vector<DirectBackend> backends,
		std::set<uint16_t> ports)
	    : WorkerOn<Direct>(env, "sidestep:direct", std::move(direct)), backends_(std::move(backends)),
	      ports_(std::move(ports)) {}

      private:
	void Work(Direct& direct) override { found_ = direct.Find(backends_, ports_); }
	Napi::Value Answer(Napi::Env env) override {
		Napi::Object js = Napi::Object::New(env);
		Napi::Array why = Napi::Array::New(env), others = Napi::Array::New(env);
		for (const std::string& one : found_.why)
			why.Set(why.Length(), one);
		for (const door::Address& address : found_.others) {
			Napi::Object row = Napi::Object::New(env);
			row.Set("address", address.host());
			row.Set("port", address.port());
			others.Set(others.Length(), row);
		}
		js.Set("why", why);
		js.Set("others", others);
		return js;
	}

	std::vector<DirectBackend> backends_;
	std::set<uint16_t> ports_;
	DirectFound found_;
};

DirectDoor DoorFrom(const Arguments& from) {
	DirectDoor door;
	door.address = AddressFrom(from);
	door.tally = from.Number("tally", 0, 255);
	door.allow = NetworksFrom(from, "allow");
	door.deny = NetworksFrom(from, "deny");
	Napi::Array slots = from.List("slots");
	if (slots.Length() > DIRECT_SLOTS)
		from.Complain("slots", "must be " + std::to_string(DIRECT_SLOTS) + " at most");
	for (uint32_t index = 0; index < slots.Length(); index++) {
		Arguments slot(Entry(from, "slots", slots, index), "slots");
		door.slots.emplace_back(slot.Number("key", 1), slot.Number("weight", 1, 10'000));
	}
	return door;
}

class NativeDirect : public Napi::ObjectWrap<NativeDirect> {
      public:
	explicit NativeDirect(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeDirect>(info) {
		Arguments from = ArgumentsOf(info, "NativeDirect");
		const std::string path = from.Text("objectPath");
		const bool log = from.Flag("verifierLog");
		Guarded(info.Env(), [&] { direct_ = std::make_shared<Direct>(path, log); });
	}

	static Napi::Function Define(Napi::Env env) {
		return DefineClass(env, "NativeDirect",
				   {
					   InstanceMethod<&NativeDirect::Find>("find"),
					   InstanceMethod<&NativeDirect::Forget>("forget"),
					   InstanceMethod<&NativeDirect::SetDoors>("setDoors"),
					   InstanceMethod<&NativeDirect::Tally>("tally"),
					   InstanceMethod<&NativeDirect::ResetTally>("resetTally"),
					   InstanceMethod<&NativeDirect::CloseJs>("close"),
				   });
	}

      private:
	std::shared_ptr<Direct> Opened(Napi::Env env) {
		if (direct_) return direct_;
		throw Closed(env, "the program of direct calls");
	}

	// find({ backends: [{ key, address, port }], ports }) -> { why, others }
	Napi::Value Find(const Napi::CallbackInfo& info) {
		auto direct = Opened(info.Env());
		Arguments from = ArgumentsOf(info, "find");
		std::vector<DirectBackend> backends;
		Napi::Array list = from.List("backends"), numbers = from.List("ports");
		for (uint32_t index = 0; index < list.Length(); index++) {
			Arguments entry(Entry(from, "backends", list, index), "find: backends");
			backends.push_back({ entry.Number("key", 1), AddressFrom(entry) });
		}
		std::set<uint16_t> ports;
		for (uint32_t index = 0; index < numbers.Length(); index++)
			ports.insert(static_cast<uint16_t>(numbers.Get(index).ToNumber().Uint32Value()));
		return WorkerOn<Direct>::Start(new Finding(info.Env(), direct, std::move(backends), std::move(ports)));
	}

	void Forget(const Napi::CallbackInfo& info) {
		auto direct = Opened(info.Env());
		direct->Forget(ArgumentsOf(info, "forget").Number("key", 1));
	}

	// setDoors({ doors }): replaces all of them.
	void SetDoors(const Napi::CallbackInfo& info) {
		auto direct = Opened(info.Env());
		Arguments from = ArgumentsOf(info, "setDoors");
		std::vector<DirectDoor> doors;
		Napi::Array list = from.List("doors");
		for (uint32_t index = 0; index < list.Length(); index++)
			doors.push_back(DoorFrom(Arguments(Entry(from, "doors", list, index), "setDoors: doors")));
		Guarded(info.Env(), [&] { direct->SetDoors(doors); });
	}

	Napi::Value Tally(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		auto direct = Opened(env);
		const uint32_t index = ArgumentsOf(info, "tally").Number("tally", 0, 255);
		return Guarded(env, [&]() -> Napi::Value {
			const direct_tally tally = direct->Tally(index);
			Napi::Object js = Napi::Object::New(env), left = Napi::Object::New(env);
			for (uint32_t why = 0; why < LEFT_COUNT; why++)
				left.Set(kLeft[why], static_cast<double>(tally.left[why]));
			js.Set("given", static_cast<double>(tally.given));
			js.Set("left", left);
			return js;
		});
	}

	void ResetTally(const Napi::CallbackInfo& info) {
		auto direct = Opened(info.Env());
		const uint32_t index = ArgumentsOf(info, "resetTally").Number("tally", 0, 255);
		Guarded(info.Env(), [&] { direct->ResetTally(index); });
	}

	void CloseJs(const Napi::CallbackInfo&) { direct_.reset(); }

	std::shared_ptr<Direct> direct_; // shared with a search that is under way
};

} // namespace

Napi::Function DefineDirect(Napi::Env env) { return NativeDirect::Define(env); }

} // namespace sidestep
