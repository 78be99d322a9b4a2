// SPDX-License-Identifier: Apache-2.0
#include "reuseport_js.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <cmath>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <unordered_map>

#include "error.h"
#include "reuseport.h"
#include "reuseport_events.h"
#include "reuseport_probe.h"
#include "reuseport_walk.h"

namespace sidestep {
namespace {

#define X(symbol, name) name,
constexpr const char* kPolicies[] = { SIDESTEP_REUSE_POLICIES(X) };
constexpr const char* kFallbacks[] = { SIDESTEP_REUSE_FALLBACKS(X) };
constexpr const char* kClasses[] = { SIDESTEP_REUSE_CLASSES(X) };
#undef X

constexpr uint64_t kMs = 1000000;

double Number(uint64_t value) { return static_cast<double>(value); }

// What `name` of an object must be, or a TypeError that says so.
[[noreturn]] void Wrong(Napi::Env env, const char* name, const char* must) {
	throw Napi::TypeError::New(env, std::string("NativeReuseport: ") + name + " must be " + must);
}

std::string Text(const Napi::Object& from, const char* name) {
	Napi::Value value = from.Get(name);
	if (!value.IsString()) Wrong(from.Env(), name, "a string");
	return value.As<Napi::String>();
}

uint32_t Whole(Napi::Env env, const Napi::Value& value, const char* name) {
	double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
	// Written so that NaN fails too.
	if (!(number >= 0 && number <= 4294967295.0) || number != std::floor(number))
		Wrong(env, name, "a whole 32-bit number");
	return static_cast<uint32_t>(number);
}

uint32_t Whole(const Napi::Object& from, const char* name) { return Whole(from.Env(), from.Get(name), name); }

bool Flag(const Napi::Object& from, const char* name) {
	Napi::Value value = from.Get(name);
	if (!value.IsBoolean()) Wrong(from.Env(), name, "true or false");
	return value.As<Napi::Boolean>();
}

Napi::Array List(const Napi::Object& from, const char* name) {
	Napi::Value value = from.Get(name);
	if (!value.IsArray()) Wrong(from.Env(), name, "a list");
	return value.As<Napi::Array>();
}

// Cookies and inode numbers have 64 bits: decimal text in JavaScript.
uint64_t Big(const Napi::Object& from, const char* name) {
	std::string text = Text(from, name);
	if (text.empty() || text.size() > 20 || text.find_first_not_of("0123456789") != std::string::npos)
		Wrong(from.Env(), name, "a decimal number as text");
	return strtoull(text.c_str(), nullptr, 10);
}

Napi::Object Argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
	if (info.Length() <= index || !info[index].IsObject()) Wrong(info.Env(), name, "an object");
	return info[index].As<Napi::Object>();
}

Borrowed SocketOf(const Napi::CallbackInfo& info, size_t index) {
	Napi::Object js = Argument(info, index, "socket");
	return { Whole(js, "pid"), static_cast<int>(Whole(js, "fd")), Big(js, "cookie") };
}

uint64_t NowNs() {
	timespec now{};
	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1000000000ULL + static_cast<uint64_t>(now.tv_nsec);
}

std::string Address(const sidestep_reuse_row& row) {
	char text[INET6_ADDRSTRLEN] = "";
	if (row.family == AF_INET) {
		inet_ntop(AF_INET, row.local + 12, text, sizeof(text));
	} else {
		inet_ntop(AF_INET6, row.local, text, sizeof(text));
	}
	return text;
}

Napi::Object RowToJs(Napi::Env env, const sidestep_reuse_row& row) {
	Napi::Object js = Napi::Object::New(env);
	js.Set("cookie", std::to_string(row.cookie));
	js.Set("inode", std::to_string(row.inode));
	js.Set("cgroup", std::to_string(row.cgroup));
	js.Set("netns", row.netns);
	js.Set("family", row.family == AF_INET ? "ipv4" : "ipv6");
	js.Set("protocol", row.protocol == IPPROTO_UDP ? "udp" : "tcp");
	js.Set("address", Address(row));
	js.Set("port", row.port);
	js.Set("uid", row.uid);
	js.Set("group", row.group);
	js.Set("socks", row.socks);
	js.Set("depth", row.depth);
	js.Set("room", row.room);
	js.Set("waitedMs", Number(row.waited_ns) / kMs);
	if (!row.has_program) return js;
	Napi::Object program = Napi::Object::New(env);
	program.Set("id", row.program);
	program.Set("name", std::string(row.program_name, strnlen(row.program_name, sizeof(row.program_name))));
	// A classic filter has no type of its own.
	program.Set("classic", row.program_type == BPF_PROG_TYPE_UNSPEC);
	js.Set("program", program);
	return js;
}

// Work off the loop that ends in a promise. `work` runs on a thread of libuv, `answer` on the loop.
class Task : public Napi::AsyncWorker {
      public:
	Task(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> answer)
	    : Napi::AsyncWorker(env, "sidestep:reuseport"), work_(std::move(work)), answer_(std::move(answer)),
	      deferred_(Napi::Promise::Deferred::New(env)) {}

	static Napi::Promise Start(Task* task) {
		Napi::Promise promise = task->deferred_.Promise();
		task->Queue();
		return promise;
	}

      private:
	void Execute() override {
		try {
			work_();
		} catch (const KernelError& error) {
			failure_ = std::make_unique<KernelError>(error);
			SetError(error.what());
		}
	}
	void OnOK() override { deferred_.Resolve(answer_(Env())); }
	void OnError(const Napi::Error& error) override {
		deferred_.Reject(failure_ ? ToJs(Env(), *failure_).Value() : error.Value());
	}

	std::function<void()> work_;
	std::function<Napi::Value(Napi::Env)> answer_;
	Napi::Promise::Deferred deferred_;
	std::unique_ptr<KernelError> failure_;
};

class NativeReuseport : public Napi::ObjectWrap<NativeReuseport> {
      public:
	explicit NativeReuseport(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeReuseport>(info) {
		Napi::Env env = info.Env();
		Napi::Object js = Argument(info, 0, "options");
		ReuseportOptions options;
		options.object_path = Text(js, "objectPath");
		options.pin_path = Text(js, "pinPath");
		options.max_listeners = Whole(js, "maxListeners");
		options.max_groups = Whole(js, "maxGroups");
		options.verifier_log = Flag(js, "verifierLog");
		Guarded(env, [&] { reuseport_ = std::make_shared<Reuseport>(std::move(options)); });
		hook_ = env.AddCleanupHook(ReleaseOf, this);
	}

	~NativeReuseport() override { Close(); }

	static Napi::Function Define(Napi::Env env) {
		return DefineClass(env, "NativeReuseport",
				   {
					   InstanceMethod<&NativeReuseport::Info>("info"),
					   InstanceMethod<&NativeReuseport::Walk>("walk"),
					   InstanceMethod<&NativeReuseport::Attach>("attach"),
					   InstanceMethod<&NativeReuseport::Detach>("detach"),
					   InstanceMethod<&NativeReuseport::Enlist>("enlist"),
					   InstanceMethod<&NativeReuseport::Amend>("amend"),
					   InstanceMethod<&NativeReuseport::ReleaseSlot>("release"),
					   InstanceMethod<&NativeReuseport::WriteGroup>("writeGroup"),
					   InstanceMethod<&NativeReuseport::RemoveGroup>("removeGroup"),
					   InstanceMethod<&NativeReuseport::Tables>("tables"),
					   InstanceMethod<&NativeReuseport::OnChange>("onChange"),
					   InstanceMethod<&NativeReuseport::CloseJs>("close"),
				   });
	}

      private:
	using Addresses = std::unordered_map<uint64_t, uint64_t>;

	std::shared_ptr<Reuseport> Opened(Napi::Env env) {
		if (reuseport_) return reuseport_;
		throw Closed(env, "the chooser");
	}

	Napi::Value Info(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		auto reuseport = Opened(env);
		Napi::Object js = Napi::Object::New(env);
		js.Set("programId", reuseport->chooser_id());
		js.Set("tag", reuseport->tag());
		js.Set("tookOver", reuseport->took_over());
		Napi::Array old = Napi::Array::New(env);
		for (uint32_t id : reuseport->old_choosers())
			old.Set(old.Length(), id);
		js.Set("oldPrograms", old);
		return js;
	}

	Napi::Value Walk(const Napi::CallbackInfo& info) {
		auto reuseport = Opened(info.Env());
		auto rows = std::make_shared<std::vector<sidestep_reuse_row>>();
		return Task::Start(new Task(
			info.Env(), [reuseport, rows] { *rows = WalkSharers(*reuseport); },
			[rows, addresses = addresses_](Napi::Env env) -> Napi::Value {
				addresses->clear();
				Napi::Array js = Napi::Array::New(env, rows->size());
				uint32_t index = 0;
				for (const sidestep_reuse_row& row : *rows) {
					(*addresses)[row.cookie] = row.sk;
					js.Set(index++, RowToJs(env, row));
				}
				return js;
			}));
	}

	void Attach(const Napi::CallbackInfo& info) {
		Borrowed socket = SocketOf(info, 0);
		Guarded(info.Env(), [&] { Opened(info.Env())->Attach(socket); });
	}

	void Detach(const Napi::CallbackInfo& info) {
		Borrowed socket = SocketOf(info, 0);
		Guarded(info.Env(), [&] { Opened(info.Env())->Detach(socket); });
	}

	// enlist(slot, listener, socket)
	void Enlist(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		uint32_t slot = Whole(env, info[0], "slot");
		Napi::Object js = Argument(info, 1, "listener");
		Borrowed socket = SocketOf(info, 2);
		sidestep_reuse_member member{};
		member.cookie = socket.cookie;
		auto known = addresses_->find(socket.cookie);
		if (known != addresses_->end()) member.sk = known->second;
		member.since_ns = Flag(js, "fresh") ? NowNs() : 0;
		Change(js, member);
		Guarded(env, [&] {
			if (!member.sk)
				throw KernelError("listener_gone", "enlist a listener that no walk has seen", 0);
			Opened(env)->Enlist(slot, member, socket);
		});
	}

	// amend(slot, listener): everything but who it is.
	void Amend(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		auto reuseport = Opened(env);
		uint32_t slot = Whole(env, info[0], "slot");
		Napi::Object js = Argument(info, 1, "listener");
		sidestep_reuse_member member{};
		Guarded(env, [&] {
			if (bpf_map_lookup_elem(reuseport->map("reuse_members"), &slot, &member) < 0)
				throw KernelError("kernel_refused", "read a listener", errno);
		});
		Change(js, member);
		Guarded(env, [&] { reuseport->Amend(slot, member); });
	}

	static void Change(const Napi::Object& js, sidestep_reuse_member& member) {
		member.group = Whole(js, "group");
		member.generation = Whole(js, "generation");
		uint32_t weight = Whole(js, "weight");
		if (weight == 0) Wrong(js.Env(), "weight", "at least 1");
		member.step = SIDESTEP_REUSE_TURN / weight;
		Napi::Array cpus = List(js, "cpus");
		memset(member.cpus, cpus.Length() == 0 ? 0xff : 0, sizeof(member.cpus));
		for (uint32_t i = 0; i < cpus.Length(); i++) {
			uint32_t cpu = Whole(js.Env(), cpus.Get(i), "cpus");
			if (cpu < 256) member.cpus[cpu / 64] |= 1ULL << (cpu % 64);
		}
	}

	void ReleaseSlot(const Napi::CallbackInfo& info) {
		Opened(info.Env())->Release(Whole(info.Env(), info[0], "slot"));
	}

	// writeGroup(id, group)
	void WriteGroup(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		uint32_t id = Whole(env, info[0], "id");
		Napi::Object js = Argument(info, 1, "group");
		sidestep_reuse_group group{};
		std::string policy = Text(js, "policy");
		group.policy = POLICY_COUNT;
		for (uint32_t i = 0; i < POLICY_COUNT; i++)
			if (policy == kPolicies[i]) group.policy = i;
		if (group.policy == POLICY_COUNT) Wrong(env, "policy", "a policy");
		group.stuck_ns = Whole(js, "stuckMs") * kMs;
		group.grace_ns = Whole(js, "graceMs") * kMs;
		group.busy_ns = Whole(js, "busyMs") * kMs;
		group.generation = Whole(js, "generation");
		group.socks = Whole(js, "socks");
		// The first is of groups that nobody has described.
		group.index = Whole(js, "index") + 1;
		Napi::Array slots = List(js, "slots");
		if (slots.Length() > SIDESTEP_REUSE_MOST) Wrong(env, "slots", "at most 256");
		for (; group.count < slots.Length(); group.count++)
			group.slots[group.count] = static_cast<uint16_t>(Whole(env, slots.Get(group.count), "slots"));
		Guarded(env, [&] { Opened(env)->WriteGroup(id, group); });
	}

	void RemoveGroup(const Napi::CallbackInfo& info) {
		uint32_t id = Whole(info.Env(), info[0], "id");
		Guarded(info.Env(), [&] { Opened(info.Env())->RemoveGroup(id); });
	}

	Napi::Value Tables(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		auto reuseport = Opened(env);
		return Guarded(env, [&]() -> Napi::Value {
			Napi::Object js = Napi::Object::New(env);
			js.Set("listeners", ListenersToJs(env, *reuseport));
			js.Set("groups", GroupsToJs(env, *reuseport));
			js.Set("unknown", Number(TotalOf(*reuseport, 0).fallbacks[FALLBACK_UNKNOWN_GROUP]));
			return js;
		});
	}

	static Napi::Value ListenersToJs(Napi::Env env, const Reuseport& reuseport) {
		Napi::Array js = Napi::Array::New(env);
		int members = reuseport.map("reuse_members"), tallies = reuseport.map("reuse_tallies");
		sidestep_reuse_member member{};
		for (uint32_t slot = 0; bpf_map_lookup_elem(members, &slot, &member) == 0; slot++) {
			if (!member.cookie) continue;
			sidestep_reuse_tally tally{};
			bpf_map_lookup_elem(tallies, &slot, &tally);
			Napi::Object row = Napi::Object::New(env);
			row.Set("slot", slot);
			row.Set("cookie", std::to_string(member.cookie));
			row.Set("group", member.group);
			row.Set("generation", member.generation);
			row.Set("ageMs", member.since_ns ? Number(NowNs() - member.since_ns) / kMs : -1);
			row.Set("selected", Number(tally.selected));
			row.Set("migrated", Number(tally.migrated));
			row.Set("headMs", tally.head ? Number(NowNs() - tally.head_ns) / kMs : 0);
			row.Set("workedMs", Number(tally.worked_ns) / kMs);
			Napi::Object skipped = Napi::Object::New(env);
			for (uint32_t i = CLASS_READY + 1; i < CLASS_COUNT; i++)
				skipped.Set(kClasses[i], Number(tally.skipped[i]));
			row.Set("skipped", skipped);
			js.Set(js.Length(), row);
		}
		return js;
	}

	static sidestep_reuse_group_tally TotalOf(const Reuseport& reuseport, uint32_t index) {
		sidestep_reuse_group_tally total{};
		if (bpf_map_lookup_elem(reuseport.map("reuse_totals"), &index, &total) < 0)
			throw KernelError("kernel_refused", "read the tally of a group", errno);
		return total;
	}

	static Napi::Value GroupsToJs(Napi::Env env, const Reuseport& reuseport) {
		Napi::Array js = Napi::Array::New(env);
		int groups = reuseport.map("reuse_groups");
		uint32_t id = 0, *before = nullptr;
		for (uint32_t next; bpf_map_get_next_key(groups, before, &next) == 0; before = &id) {
			id = next;
			sidestep_reuse_group group{};
			if (bpf_map_lookup_elem(groups, &id, &group) < 0) continue;
			sidestep_reuse_group_tally total = TotalOf(reuseport, group.index);
			Napi::Object row = Napi::Object::New(env);
			row.Set("id", id);
			row.Set("index", group.index - 1);
			row.Set("generation", group.generation);
			Napi::Object fallbacks = Napi::Object::New(env);
			for (uint32_t i = FALLBACK_NO_LISTENER; i < FALLBACK_COUNT; i++)
				fallbacks.Set(kFallbacks[i], Number(total.fallbacks[i]));
			row.Set("fallbacks", fallbacks);
			js.Set(js.Length(), row);
		}
		return js;
	}

	void OnChange(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		auto reuseport = Opened(env);
		if (info.Length() < 1 || !info[0].IsFunction()) Wrong(env, "listener", "a function");
		if (events_) throw Napi::Error::New(env, "onChange: a listener is there already");
		Guarded(env, [&] {
			events_ = std::make_unique<ReuseportEvents>(env, reuseport->map("reuse_events"),
								    info[0].As<Napi::Function>());
		});
	}

	void CloseJs(const Napi::CallbackInfo&) { Close(); }

	void Close() {
		if (!hook_.IsEmpty()) hook_.Remove(Env());
		hook_ = {};
		Release();
	}

	void Release() {
		events_.reset();
		reuseport_.reset();
	}

	// The environment is ending: it has taken the hook back already.
	static void ReleaseOf(NativeReuseport* self) {
		self->hook_ = {};
		self->Release();
	}

	std::shared_ptr<Reuseport> reuseport_;                                 // shared with a walk that is under way
	std::shared_ptr<Addresses> addresses_ = std::make_shared<Addresses>(); // of the latest walk
	std::unique_ptr<ReuseportEvents> events_;
	Napi::Env::CleanupHook<void (*)(NativeReuseport*), NativeReuseport> hook_;
};

Napi::Value LeftoversJs(const Napi::CallbackInfo& info) {
	Napi::Env env = info.Env();
	if (info.Length() < 1 || !info[0].IsString()) Wrong(env, "pinPath", "a string");
	Napi::Array js = Napi::Array::New(env);
	for (uint32_t id : LeftoverChoosers(info[0].As<Napi::String>()))
		js.Set(js.Length(), id);
	return js;
}

Napi::Value HoldersJs(const Napi::CallbackInfo& info) {
	Napi::Env env = info.Env();
	if (info.Length() < 1 || !info[0].IsArray()) Wrong(env, "inodes", "a list");
	auto list = info[0].As<Napi::Array>();
	auto wanted = std::make_shared<std::set<uint64_t>>();
	for (uint32_t i = 0; i < list.Length(); i++)
		wanted->insert(strtoull(list.Get(i).ToString().Utf8Value().c_str(), nullptr, 10));
	auto found = std::make_shared<std::map<uint64_t, Holder>>();
	return Task::Start(new Task(
		env, [wanted, found] { *found = FindHolders(*wanted); },
		[found](Napi::Env env) -> Napi::Value {
			Napi::Array js = Napi::Array::New(env);
			for (const auto& [inode, holder] : *found) {
				Napi::Object row = Napi::Object::New(env);
				row.Set("inode", std::to_string(inode));
				row.Set("pid", holder.pid);
				row.Set("fd", holder.fd);
				js.Set(js.Length(), row);
			}
			return js;
		}));
}

// migrateSysctl(namespaces, value?)
Napi::Value MigrateSysctlJs(const Napi::CallbackInfo& info) {
	Napi::Env env = info.Env();
	if (info.Length() < 1 || !info[0].IsArray()) Wrong(env, "namespaces", "a list");
	auto list = info[0].As<Napi::Array>();
	auto wanted = std::make_shared<std::set<uint32_t>>();
	for (uint32_t i = 0; i < list.Length(); i++)
		wanted->insert(Whole(env, list.Get(i), "namespaces"));
	auto value = std::make_shared<int>(-1);
	if (info.Length() > 1 && info[1].IsBoolean()) *value = info[1].As<Napi::Boolean>() ? 1 : 0;
	auto found = std::make_shared<std::map<uint32_t, int>>();
	return Task::Start(new Task(
		env, [=] { *found = MigrateSysctl(*wanted, *value < 0 ? nullptr : value.get()); },
		[found](Napi::Env env) -> Napi::Value {
			Napi::Array js = Napi::Array::New(env);
			for (auto [netns, on] : *found) {
				Napi::Object row = Napi::Object::New(env);
				row.Set("netns", netns);
				row.Set("on", on != 0);
				js.Set(js.Length(), row);
			}
			return js;
		}));
}

Napi::Value ProbeMigrationJs(const Napi::CallbackInfo& info) {
	auto probe = std::make_shared<MigrationProbe>();
	return Task::Start(new Task(
		info.Env(), [probe] { *probe = ProbeMigration(); },
		[probe](Napi::Env env) -> Napi::Value {
			Napi::Object js = Napi::Object::New(env);
			js.Set("migrates", probe->migrates);
			js.Set("wakes", probe->wakes);
			js.Set("detail", probe->detail);
			return js;
		}));
}

Napi::Array Names(Napi::Env env, const char* const* names, size_t count) {
	Napi::Array js = Napi::Array::New(env, count);
	for (size_t i = 0; i < count; i++)
		js.Set(static_cast<uint32_t>(i), names[i]);
	return js;
}

} // namespace

void DefineReuseport(Napi::Env env, Napi::Object exports) {
	exports.Set("NativeReuseport", NativeReuseport::Define(env));
	exports.Set("leftoverChoosers", Napi::Function::New(env, LeftoversJs, "leftoverChoosers"));
	exports.Set("socketHolders", Napi::Function::New(env, HoldersJs, "socketHolders"));
	exports.Set("migrateSysctl", Napi::Function::New(env, MigrateSysctlJs, "migrateSysctl"));
	exports.Set("probeMigration", Napi::Function::New(env, ProbeMigrationJs, "probeMigration"));
	exports.Set("reusePolicies", Names(env, kPolicies, std::size(kPolicies)));
	exports.Set("reuseFallbacks", Names(env, kFallbacks, std::size(kFallbacks)));
	exports.Set("reuseClasses", Names(env, kClasses, std::size(kClasses)));
}

} // namespace sidestep
