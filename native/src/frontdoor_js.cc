// SPDX-License-Identifier: Apache-2.0
#include "frontdoor_js.h"

#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "arguments.h"
#include "borrow.h"
#include "door_arguments.h"
#include "error.h"
#include "frontdoor/frontdoor.h"

namespace sidestep {
namespace {

using door::Address;
using door::FrontDoor;

#define X(symbol, name) name,
constexpr const char* kOutcomes[] = { SIDESTEP_DOOR_OUTCOMES(X) };
#undef X
#define X(symbol, name) name,
constexpr const char* kAnswers[] = { SIDESTEP_DOOR_ANSWERS(X) };
#undef X
constexpr uint32_t kMostMs = 30U * 24 * 3'600'000;

double Number(uint64_t value) { return static_cast<double>(value); }

const char* Value(const char* text) { return text; }
double Value(double number) { return number; }
double Value(const std::atomic<uint64_t>& count) { return Number(count.load()); }

template <typename List> Napi::Array ListOf(Napi::Env env, const List& list) {
	Napi::Array js = Napi::Array::New(env);
	for (const auto& one : list)
		js.Set(js.Length(), Value(one));
	return js;
}

// One of a list of words, which stand for values.
template <typename T>
T Choice(const Arguments& from, const char* key, std::initializer_list<std::pair<const char*, T>> choices) {
	const std::string text = from.Text(key);
	std::string words;
	size_t left = choices.size();
	for (const auto& [word, value] : choices) {
		if (text == word) return value;
		left--;
		words += word + std::string(left == 0 ? "" : left == 1 ? " or " : ", ");
	}
	from.Complain(key, "must be " + words);
}

door::Counting CountingFrom(const Arguments& from) {
	door::Counting counting;
	counting.protocol = Choice<door::Protocol>(from, "requests",
						   { { "off", door::Protocol::kNone },
						     { "http1", door::Protocol::kHttp1 },
						     { "length", door::Protocol::kLength } });
	counting.length.at = from.Number("lengthAt", 0, 64);
	counting.length.bytes = from.Number("lengthBytes", 1, 8);
	counting.length.little = Choice<bool>(from, "lengthOrder", { { "big", false }, { "little", true } });
	counting.length.counts = Choice<door::Counts>(from, "lengthCounts",
						      { { "rest", door::Counts::kRest },
							{ "itself", door::Counts::kItself },
							{ "whole", door::Counts::kWhole } });
	return counting;
}

door::Settings SettingsFrom(const Arguments& from) {
	door::Settings settings;
	settings.allow = NetworksFrom(from, "allow");
	settings.deny = NetworksFrom(from, "deny");
	settings.max_connections = from.Number("maxConnections", 1);
	settings.connect_timeout_ms = from.Number("connectTimeout", 1, kMostMs);
	settings.idle_timeout_ms = from.Number("idleTimeout", 0, kMostMs);
	settings.proxy_in = from.Flag("acceptProxy");
	settings.proxy_out = Choice<door::ProxyVersion>(from, "sendProxy",
							{ { "off", door::ProxyVersion::kNone },
							  { "v1", door::ProxyVersion::kV1 },
							  { "v2", door::ProxyVersion::kV2 } });
	settings.counting = CountingFrom(from);
	return settings;
}

std::vector<door::Target> TargetsFrom(const Arguments& from) {
	std::vector<door::Target> targets;
	Napi::Array list = from.List("backends");
	for (uint32_t index = 0; index < list.Length(); index++) {
		Arguments entry(Entry(from, "backends", list, index), "backends");
		targets.push_back({ AddressFrom(entry), entry.Number("weight") });
	}
	return targets;
}

// Those that are what they are said to be.
std::vector<UniqueFd> HandedFrom(const Arguments& from, const Address& address) {
	std::vector<UniqueFd> sockets;
	Napi::Array list = from.List("descriptors");
	for (uint32_t index = 0; index < list.Length(); index++) {
		const int fd = list.Get(index).ToNumber().Int32Value();
		if (door::ListensOn(fd, address)) sockets.emplace_back(fd);
	}
	return sockets;
}

Napi::Object BackendToJs(Napi::Env env, const door::Backend& backend) {
	Napi::Object js = Napi::Object::New(env);
	js.Set("address", backend.address.host());
	js.Set("port", backend.address.port());
	js.Set("weight", backend.weight.load());
	js.Set("active", backend.active.load());
	js.Set("total", Number(backend.total.load()));
	js.Set("failures", Number(backend.failures.load()));
	js.Set("failuresInRow", backend.failures_in_row.load());
	return js;
}

Napi::Object RowToJs(Napi::Env env, const FrontDoor::Row& row) {
	Napi::Object js = Napi::Object::New(env);
	const door::Listener& listener = *row.listener;
	js.Set("name", listener.name);
	js.Set("address", listener.address.host());
	js.Set("port", listener.address.port());
	js.Set("open", row.open);
	js.Set("active", listener.active.load());
	Napi::Array backends = Napi::Array::New(env);
	for (const auto& backend : *listener.backends.load())
		backends.Set(backends.Length(), BackendToJs(env, *backend));
	js.Set("backends", backends);
	js.Set("descriptors", ListOf(env, row.descriptors));
	return js;
}

Napi::Object RequestsToJs(Napi::Env env, const door::RequestTotals& requests) {
	Napi::Object js = Napi::Object::New(env), answers = Napi::Object::New(env);
	for (size_t index = 0; index < std::size(kAnswers); index++)
		answers.Set(kAnswers[index], Number(requests.answers[index].load()));
	js.Set("answers", answers);
	js.Set("waits", ListOf(env, requests.waits));
	js.Set("waited", Number(requests.waited_us.load()) / 1e6);
	js.Set("unreadable", Number(requests.unreadable.load()));
	return js;
}

Napi::Object TotalsToJs(Napi::Env env, const std::string& name, const door::Totals& totals) {
	Napi::Object js = Napi::Object::New(env);
	js.Set("name", name);
	js.Set("bytesIn", Number(totals.bytes_in.load()));
	js.Set("bytesOut", Number(totals.bytes_out.load()));
	Napi::Object outcomes = Napi::Object::New(env);
	for (size_t index = 0; index < std::size(kOutcomes); index++)
		outcomes.Set(kOutcomes[index], Number(totals.outcomes[index].load()));
	js.Set("outcomes", outcomes);
	js.Set("requests", RequestsToJs(env, totals.requests));
	return js;
}

class NativeFrontDoor : public Napi::ObjectWrap<NativeFrontDoor> {
      public:
	explicit NativeFrontDoor(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeFrontDoor>(info) {
		door_ = std::make_unique<FrontDoor>(ArgumentsOf(info, "NativeFrontDoor").Number("threads", 1, 64));
		hook_ = info.Env().AddCleanupHook(ReleaseOf, this);
	}

	~NativeFrontDoor() override { Release(); }

	static Napi::Function Define(Napi::Env env) {
		return DefineClass(env, "NativeFrontDoor",
				   {
					   InstanceMethod<&NativeFrontDoor::Open>("open"),
					   InstanceMethod<&NativeFrontDoor::Configure>("configure"),
					   InstanceMethod<&NativeFrontDoor::SetBackends>("setBackends"),
					   InstanceMethod<&NativeFrontDoor::Shut>("shut"),
					   InstanceMethod<&NativeFrontDoor::Cut>("cut"),
					   InstanceMethod<&NativeFrontDoor::Look>("look"),
					   InstanceMethod<&NativeFrontDoor::Close>("close"),
				   });
	}

      private:
	// The hook is gone once it has run.
	static void ReleaseOf(NativeFrontDoor* self) {
		self->hook_ = {};
		self->door_.reset();
	}

	void Release() {
		if (!hook_.IsEmpty()) hook_.Remove(Env());
		hook_ = {};
		door_.reset();
	}

	FrontDoor& Opened(Napi::Env env) {
		if (door_) return *door_;
		throw Closed(env, "the front door");
	}

	Napi::Value Open(const Napi::CallbackInfo& info) {
		FrontDoor& door = Opened(info.Env());
		Arguments from = ArgumentsOf(info, "open");
		const std::string name = from.Text("name");
		const Address address = AddressFrom(from);
		door::Settings settings = SettingsFrom(from);
		const std::vector<door::Target> targets = TargetsFrom(from);
		std::vector<UniqueFd> sockets = HandedFrom(from, address);
		Guarded(info.Env(),
			[&] { door.Open(name, address, std::move(settings), targets, std::move(sockets)); });
		return info.Env().Undefined();
	}

	Napi::Value Configure(const Napi::CallbackInfo& info) {
		FrontDoor& door = Opened(info.Env());
		Arguments from = ArgumentsOf(info, "configure");
		const std::string name = from.Text("name");
		door::Settings settings = SettingsFrom(from);
		Guarded(info.Env(), [&] { door.Configure(name, std::move(settings)); });
		return info.Env().Undefined();
	}

	Napi::Value SetBackends(const Napi::CallbackInfo& info) {
		FrontDoor& door = Opened(info.Env());
		Arguments from = ArgumentsOf(info, "setBackends");
		const std::string name = from.Text("name");
		const std::vector<door::Target> targets = TargetsFrom(from);
		Guarded(info.Env(), [&] { door.SetBackends(name, targets); });
		return info.Env().Undefined();
	}

	Napi::Value Shut(const Napi::CallbackInfo& info) {
		FrontDoor& door = Opened(info.Env());
		const std::string name = ArgumentsOf(info, "shut").Text("name");
		Guarded(info.Env(), [&] { door.Shut(name); });
		return info.Env().Undefined();
	}

	Napi::Value Cut(const Napi::CallbackInfo& info) {
		Opened(info.Env()).Cut(ArgumentsOf(info, "cut").Text("name"));
		return info.Env().Undefined();
	}

	Napi::Value Look(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		FrontDoor& door = Opened(env);
		door.Tidy();
		Napi::Array rows = Napi::Array::New(env), totals = Napi::Array::New(env);
		for (const FrontDoor::Row& row : door.rows())
			rows.Set(rows.Length(), RowToJs(env, row));
		for (const auto& [name, total] : door.totals())
			totals.Set(totals.Length(), TotalsToJs(env, name, *total));
		Napi::Object js = Napi::Object::New(env);
		js.Set("listeners", rows);
		js.Set("totals", totals);
		return js;
	}

	Napi::Value Close(const Napi::CallbackInfo& info) {
		Release();
		return info.Env().Undefined();
	}

	std::unique_ptr<FrontDoor> door_;
	Napi::Env::CleanupHook<void (*)(NativeFrontDoor*), NativeFrontDoor> hook_;
};

} // namespace

Napi::Function DefineFrontDoor(Napi::Env env) { return NativeFrontDoor::Define(env); }

Napi::Value BorrowListener(const Napi::CallbackInfo& info) {
	Arguments from = ArgumentsOf(info, "borrowListener");
	const Address address = AddressFrom(from);
	return Guarded(info.Env(), [&]() -> Napi::Value {
		UniqueFd fd = BorrowDescriptor(from.Number("pid", 1), static_cast<int>(from.Number("descriptor")));
		if (!door::ListensOn(fd.get(), address))
			throw KernelError("listener_gone", "borrow a listener: it is another descriptor by now", 0);
		return Napi::Number::New(info.Env(), fd.release());
	});
}

Napi::Object DoorNames(Napi::Env env) {
	Napi::Object js = Napi::Object::New(env);
	js.Set("outcomes", ListOf(env, kOutcomes));
	js.Set("answers", ListOf(env, kAnswers));
	js.Set("waitBounds", ListOf(env, door::kWaitBounds));
	return js;
}

} // namespace sidestep
