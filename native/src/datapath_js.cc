// SPDX-License-Identifier: Apache-2.0
#include "datapath_js.h"

#include <cmath>
#include <memory>

#include "datapath.h"
#include "drain.h"
#include "error.h"
#include "events.h"
#include "found.h"
#include "groups.h"
#include "layout.h"
#include "listeners.h"
#include "passes.h"
#include "scope.h"
#include "tables.h"
#include "workloads.h"

namespace sidestep {
namespace {

std::string Text(const Napi::Object& options, const char* key) {
	Napi::Value value = options.Get(key);
	if (!value.IsString())
		throw Napi::TypeError::New(options.Env(), std::string("NativeDatapath: ") + key + " must be a string");
	return value.As<Napi::String>();
}

uint32_t Count(const Napi::Object& options, const char* key) {
	Napi::Value value = options.Get(key);
	double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
	// Written so that NaN fails too.
	if (!(number >= 1 && number <= 4294967295.0) || number != std::floor(number))
		throw Napi::TypeError::New(options.Env(),
					   std::string("NativeDatapath: ") + key + " must be a positive 32-bit number");
	return static_cast<uint32_t>(number);
}

// Not negative, and small enough to be exact.
uint64_t Amount(const Napi::Object& options, const char* key) {
	Napi::Value value = options.Get(key);
	double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
	if (!(number >= 0 && number <= 9007199254740991.0) || number != std::floor(number))
		throw Napi::TypeError::New(options.Env(),
					   std::string("NativeDatapath: ") + key + " must be a whole number");
	return static_cast<uint64_t>(number);
}

bool Flag(const Napi::Object& options, const char* key) {
	Napi::Value value = options.Get(key);
	if (!value.IsBoolean())
		throw Napi::TypeError::New(options.Env(),
					   std::string("NativeDatapath: ") + key + " must be true or false");
	return value.As<Napi::Boolean>();
}

LearningWindow Window(const Napi::Object& js) {
	LearningWindow window;
	window.ns = Amount(js, "windowMs") * 1000000ULL;
	window.bytes = Amount(js, "windowBytes");
	window.connections = Count(js, "windowConnections");
	return window;
}

uint32_t Few(const Napi::Object& options, const char* key) {
	uint64_t amount = Amount(options, key);
	if (amount > UINT32_MAX)
		throw Napi::TypeError::New(options.Env(), std::string("NativeDatapath: ") + key + " is too large");
	return static_cast<uint32_t>(amount);
}

Placement PlacementOf(const Napi::Object& js) {
	Placement placement;
	placement.messages = Few(js, "streamMessages");
	placement.ns = Amount(js, "streamNs");
	placement.bytes = Few(js, "streamBytes");
	placement.brief_turns = Few(js, "briefTurns");
	placement.follow = Few(js, "follow");
	placement.refresh_ms = Few(js, "refreshMs");
	placement.stay_ns = Amount(js, "stayMs") * 1000000ULL;
	return placement;
}

Napi::Object ObjectAt(const Napi::CallbackInfo& info, size_t index, const char* what) {
	if (info.Length() <= index || !info[index].IsObject())
		throw Napi::TypeError::New(info.Env(), std::string(what) + " must be an object");
	return info[index].As<Napi::Object>();
}

class NativeDatapath : public Napi::ObjectWrap<NativeDatapath> {
      public:
	explicit NativeDatapath(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeDatapath>(info) {
		Napi::Env env = info.Env();
		if (info.Length() < 1 || !info[0].IsObject())
			throw Napi::TypeError::New(env, "NativeDatapath(options): options must be an object");
		auto js = info[0].As<Napi::Object>();
		DatapathOptions options;
		options.object_path = Text(js, "objectPath");
		options.cgroup_path = Text(js, "cgroupPath");
		options.pin_path = Text(js, "pinPath");
		options.unified = Flag(js, "unified");
		options.enabled = Flag(js, "enabled");
		options.observe = Flag(js, "observe");
		options.trust_listeners = Flag(js, "trustListeners");
		options.tell_all = Flag(js, "tellAll");
		options.queue_wait = Flag(js, "queueWait");
		options.verifier_log = Flag(js, "verifierLog");
		options.max_pairs = Count(js, "maxPairs");
		options.max_half_open = Count(js, "maxHalfOpen");
		options.max_listeners = Count(js, "maxListeners");
		options.max_edges = Count(js, "maxEdges");
		options.queue_bytes = Count(js, "queueBytes");
		options.split_bytes = js.Has("splitBytes") ? Count(js, "splitBytes") : SIDESTEP_SPLIT_BYTES;
		options.event_buffer = Count(js, "eventBuffer");
		options.scope = ScopeFromJs(env, js.Get("scope"));
		options.window = Window(js);
		options.placement = PlacementOf(js);
		Guarded(env, [&] { datapath_ = std::make_shared<Datapath>(std::move(options)); });
		// The environment may end (worker.terminate) before the object is collected.
		hook_ = env.AddCleanupHook(ReleaseOf, this);
	}

	~NativeDatapath() override { Close(); }

	static Napi::Function Define(Napi::Env env) {
		return DefineClass(env, "NativeDatapath",
				   {
					   InstanceMethod<&NativeDatapath::Info>("info"),
					   InstanceMethod<&NativeDatapath::Counters>("counters"),
					   InstanceMethod<&NativeDatapath::Pairs>("pairs"),
					   InstanceMethod<&NativeDatapath::Groups>("groups"),
					   InstanceMethod<&NativeDatapath::Edges>("edges"),
					   InstanceMethod<&NativeDatapath::Maps>("maps"),
					   InstanceMethod<&NativeDatapath::Profiles>("profiles"),
					   InstanceMethod<&NativeDatapath::Processes>("processes"),
					   InstanceMethod<&NativeDatapath::Seed>("seed"),
					   InstanceMethod<&NativeDatapath::Forget>("forget"),
					   InstanceMethod<&NativeDatapath::Repute>("setRepute"),
					   InstanceMethod<&NativeDatapath::ApplySettings>("applySettings"),
					   InstanceMethod<&NativeDatapath::ApplyScope>("applyScope"),
					   InstanceMethod<&NativeDatapath::ApplyWindow>("applyWindow"),
					   InstanceMethod<&NativeDatapath::ApplyPlacement>("applyPlacement"),
					   InstanceMethod<&NativeDatapath::ApplyTelling>("applyTelling"),
					   InstanceMethod<&NativeDatapath::OnEvents>("onEvents"),
					   InstanceMethod<&NativeDatapath::Retire>("retirePass"),
					   InstanceMethod<&NativeDatapath::TakeCensus>("censusPass"),
					   InstanceMethod<&NativeDatapath::Learn>("learnPass"),
					   InstanceMethod<&NativeDatapath::Place>("placePass"),
					   InstanceMethod<&NativeDatapath::Adopt>("adoptListeners"),
					   InstanceMethod<&NativeDatapath::FindOpen>("findOpen"),
					   InstanceMethod<&NativeDatapath::Drain>("drainPass"),
					   InstanceMethod<&NativeDatapath::Uninstall>("uninstall"),
					   InstanceMethod<&NativeDatapath::CloseJs>("close"),
				   });
	}

      private:
	Datapath& Opened(Napi::Env env) {
		if (datapath_) return *datapath_;
		throw Closed(env, "the datapath");
	}

	Napi::Value Info(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		const Datapath& datapath = Opened(env);
		return Guarded(env, [&]() -> Napi::Value {
			Napi::Object js = Napi::Object::New(env);
			js.Set("unified", datapath.options().unified);
			js.Set("enabled", datapath.options().enabled);
			js.Set("observe", datapath.options().observe);
			js.Set("queueBytes", datapath.options().queue_bytes);
			js.Set("cgroupPath", datapath.options().cgroup_path);
			js.Set("pinPath", datapath.options().pin_path);
			js.Set("layoutVersion", SIDESTEP_LAYOUT_VERSION);
			js.Set("tookOver", datapath.took_over());
			Napi::Array programs = Napi::Array::New(env);
			uint32_t index = 0;
			for (const ProgramInfo& program : datapath.programs()) {
				Napi::Object row = Napi::Object::New(env);
				row.Set("name", program.name);
				row.Set("type", program.type);
				row.Set("tag", program.tag);
				row.Set("id", program.id);
				row.Set("attachedTo", program.attached_to);
				programs.Set(index++, row);
			}
			js.Set("programs", programs);
			return js;
		});
	}

	Napi::Value Counters(const Napi::CallbackInfo& info) {
		return Guarded(info.Env(), [&] { return CountersToJs(info.Env(), Opened(info.Env())); });
	}
	// pairs(): all. pairs(most): the busiest since the last call with a number.
	Napi::Value Pairs(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		const Datapath& datapath = Opened(env);
		if (info.Length() == 0 || !info[0].IsNumber())
			return Guarded(env, [&] { return PairsToJs(env, datapath); });
		const uint32_t most = info[0].ToNumber().Uint32Value();
		return Guarded(env, [&] { return BusiestToJs(env, datapath, busiest_, most); });
	}
	Napi::Value Groups(const Napi::CallbackInfo& info) {
		return Guarded(info.Env(), [&] { return GroupsToJs(info.Env(), Opened(info.Env())); });
	}
	Napi::Value Edges(const Napi::CallbackInfo& info) {
		return Guarded(info.Env(), [&] { return EdgesToJs(info.Env(), Opened(info.Env())); });
	}
	Napi::Value Profiles(const Napi::CallbackInfo& info) {
		return Guarded(info.Env(), [&] { return ProfilesToJs(info.Env(), Opened(info.Env())); });
	}
	Napi::Value Maps(const Napi::CallbackInfo& info) {
		return Guarded(info.Env(), [&] { return MapsToJs(info.Env(), Opened(info.Env())); });
	}

	void ApplySettings(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		Datapath& datapath = Opened(env);
		if (info.Length() < 1 || !info[0].IsObject())
			throw Napi::TypeError::New(env, "applySettings(settings): settings must be an object");
		auto js = info[0].As<Napi::Object>();
		bool enabled = Flag(js, "enabled"), observe = Flag(js, "observe");
		uint32_t queue_bytes = Count(js, "queueBytes");
		Guarded(env, [&] {
			datapath.ApplySettings(enabled, observe, queue_bytes);
			Refresh(datapath);
		});
	}

	void ApplyScope(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		Datapath& datapath = Opened(env);
		sidestep_scope scope = ScopeFromJs(env, info[0]);
		Guarded(env, [&] {
			datapath.ApplyScope(scope);
			Refresh(datapath);
		});
	}

	void ApplyWindow(const Napi::CallbackInfo& info) {
		Datapath& datapath = Opened(info.Env());
		LearningWindow window = Window(ObjectAt(info, 0, "applyWindow(window): window"));
		Guarded(info.Env(), [&] { datapath.ApplyWindow(window); });
	}

	void ApplyPlacement(const Napi::CallbackInfo& info) {
		Datapath& datapath = Opened(info.Env());
		Placement placement = PlacementOf(ObjectAt(info, 0, "applyPlacement(placement): placement"));
		Guarded(info.Env(), [&] {
			datapath.ApplyPlacement(placement);
			Refresh(datapath);
		});
	}

	void ApplyTelling(const Napi::CallbackInfo& info) {
		Datapath& datapath = Opened(info.Env());
		bool all = info.Length() > 0 && info[0].ToBoolean();
		Guarded(info.Env(), [&] { datapath.ApplyTelling(all); });
	}

	// processes(): all of them. processes(pid): that one, if it is still there.
	Napi::Value Processes(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		const Datapath& datapath = Opened(env);
		uint32_t pid = info.Length() > 0 && info[0].IsNumber() ? info[0].ToNumber().Uint32Value() : 0;
		return Guarded(env, [&] { return ProcessesToJs(env, datapath, pid); });
	}

	void Seed(const Napi::CallbackInfo& info) {
		const Datapath& datapath = Opened(info.Env());
		Napi::Object process = ObjectAt(info, 0, "seed(process, habits): process");
		Napi::Object habits = ObjectAt(info, 1, "seed(process, habits): habits");
		Guarded(info.Env(), [&] { SeedWorkload(datapath, process, habits); });
	}

	Napi::Value Forget(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		const Datapath& datapath = Opened(env);
		uint64_t workload = ParsePairId(env, info.Length() > 0 ? info[0].ToString().Utf8Value() : "");
		return Guarded(env, [&]() -> Napi::Value {
			return Napi::Boolean::New(env, ForgetWorkload(datapath, workload));
		});
	}

	void Repute(const Napi::CallbackInfo& info) {
		const Datapath& datapath = Opened(info.Env());
		Napi::Object program = ObjectAt(info, 0, "setRepute(program, habits): program");
		Guarded(info.Env(), [&] { SetRepute(datapath, program, info[1]); });
	}

	void OnEvents(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		Datapath& datapath = Opened(env);
		if (info.Length() < 1 || !info[0].IsFunction())
			throw Napi::TypeError::New(env, "onEvents(listener): listener must be a function");
		if (events_) throw Napi::Error::New(env, "onEvents: a listener is there already");
		Guarded(env, [&] {
			events_ = std::make_unique<Events>(env, datapath.map("events"), info[0].As<Napi::Function>());
		});
	}

	// retirePass(): every pair. retirePass(id): one. retirePass("leaving"): those that must leave anyway.
	// A second argument says how often what is not quiet is looked at.
	Napi::Value Retire(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		Opened(env);
		sidestep_pair_id only = 0;
		if (info.Length() > 0 && info[0].IsString()) {
			std::string which = info[0].As<Napi::String>();
			only = which == "leaving" ? 1 : ParsePairId(env, which);
		}
		uint32_t tries = info.Length() > 1 && info[1].IsNumber() ? info[1].ToNumber().Uint32Value() : 1;
		return RetirePass(env, datapath_, only, tries ? tries : 1);
	}

	Napi::Value Learn(const Napi::CallbackInfo& info) {
		Opened(info.Env());
		return LearnPass(info.Env(), datapath_);
	}

	// censusPass(number)
	Napi::Value TakeCensus(const Napi::CallbackInfo& info) {
		Opened(info.Env());
		const uint32_t number =
			info.Length() > 0 && info[0].IsNumber() ? info[0].As<Napi::Number>().Uint32Value() : 0;
		if (number < 1 || number > UINT16_MAX)
			throw Napi::RangeError::New(info.Env(), "censusPass(number): 1 to 65535");
		return CensusPass(info.Env(), datapath_, static_cast<uint16_t>(number));
	}

	Napi::Value Place(const Napi::CallbackInfo& info) {
		Opened(info.Env());
		return PlacePass(info.Env(), datapath_);
	}

	Napi::Value Adopt(const Napi::CallbackInfo& info) {
		Opened(info.Env());
		return AdoptListeners(info.Env(), datapath_);
	}

	Napi::Value FindOpen(const Napi::CallbackInfo& info) {
		Opened(info.Env());
		return FindOpenPass(info.Env(), datapath_);
	}

	Napi::Value Drain(const Napi::CallbackInfo& info) {
		Opened(info.Env());
		return DrainPass(info.Env(), datapath_);
	}

	void Uninstall(const Napi::CallbackInfo& info) {
		Datapath& datapath = Opened(info.Env());
		Guarded(info.Env(), [&] { datapath.Uninstall(); });
		Close();
	}

	void CloseJs(const Napi::CallbackInfo&) { Close(); }

	void Close() {
		if (!hook_.IsEmpty()) hook_.Remove(Env());
		hook_ = {};
		Release();
	}

	void Release() {
		events_.reset();
		datapath_.reset();
	}

	// The environment is ending: it has taken the hook back already.
	static void ReleaseOf(NativeDatapath* self) {
		self->hook_ = {};
		self->Release();
	}

	std::shared_ptr<Datapath> datapath_; // shared with a retire pass that is under way
	Busiest busiest_;
	std::unique_ptr<Events> events_;
	Napi::Env::CleanupHook<void (*)(NativeDatapath*), NativeDatapath> hook_;
};

} // namespace

Napi::Function DefineDatapath(Napi::Env env) { return NativeDatapath::Define(env); }

} // namespace sidestep
