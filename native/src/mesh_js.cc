// SPDX-License-Identifier: Apache-2.0
#include "mesh_js.h"

#include <arpa/inet.h>

#include <cstring>
#include <ctime>
#include <map>
#include <memory>

#include "arguments.h"
#include "error.h"
#include "maps.h"
#include "mesh.h"
#include "mesh_address.h"
#include "objects.h"
#include "tuning_js.h"
#include "worker.h"

namespace sidestep {
namespace {

constexpr const char* kRefusals[] = {
#define X(symbol, name) name,
	MESH_REFUSALS(X)
#undef X
};
constexpr const char* kTiers[MESH_TIERS] = { "host", "zone", "all" };

uint64_t NowNs() {
	timespec now{};
	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1000000000ULL + now.tv_nsec;
}

Napi::Array ArrayOf(const Napi::CallbackInfo& info, const char* call) {
	if (info.Length() < 1 || !info[0].IsArray())
		throw Napi::TypeError::New(info.Env(), std::string(call) + ": takes an array");
	return info[0].As<Napi::Array>();
}

mesh_vip VipOf(const Arguments& from) {
	mesh_vip vip{};
	vip.address = AddressOf(from, "address");
	vip.port = htons(static_cast<uint16_t>(from.Number("port", 1, 65535)));
	vip.protocol = static_cast<uint8_t>(from.Number("protocol", 0, 255));
	return vip;
}

// A Uint32Array of the table as it came.
std::pair<const uint32_t*, size_t> Words(const Arguments& from, const char* key, size_t multiple) {
	Napi::Value value = from.object().Get(key);
	if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array)
		from.Complain(key, "must be a Uint32Array");
	auto array = value.As<Napi::Uint32Array>();
	if (array.ElementLength() % multiple != 0) from.Complain(key, "has a length that does not fit");
	return { array.Data(), array.ElementLength() };
}

// Row by row: the four rows of rules, three words for each slot, the consistent table in fours.
MeshTable TableOf(const Arguments& from) {
	MeshTable table;
	table.service = from.Number("service", 1);
	if (from.object().Get("slots").IsNull()) return table;
	auto [slots, slot_words] = Words(from, "slots", 3);
	auto [maglev, size] = Words(from, "maglev", 1);
	size_t count = slot_words / 3;
	table.rows.resize(MESH_HEAD_ROWS + count + (size + 3) / 4);
	mesh_row* rows = table.rows.data();
	rows[0].shape = { from.Number("hostSlots"), from.Number("zoneSlots"), from.Number("allSlots"),
			  static_cast<uint32_t>(size) };
	rows[1].rules = { from.Number("policy", 0, POLICY_MAGLEV), from.Number("affinity", 0, AFFINITY_ADDRESS),
			  from.Number("affinityMs"), from.Number("maxConnections") };
	rows[2].bounds = { from.Number("skewPercent"), from.Number("slowStartMs"), from.Number("ejectAfter"),
			   from.Number("ejectMs") };
	rows[3].sums = { from.Number("weightSum"), from.Number("ejectResets"), {} };
	if (static_cast<size_t>(rows[0].shape.host_slots) + rows[0].shape.zone_slots + rows[0].shape.all_slots != count)
		from.Complain("slots", "does not have the slots of its tiers");
	for (size_t i = 0; i < count; i++)
		rows[MESH_HEAD_ROWS + i].slot = { slots[3 * i], slots[3 * i + 1], slots[3 * i + 2], 0 };
	for (size_t i = 0; i < size; i++)
		rows[MESH_HEAD_ROWS + count + i / 4].maglev[i & 3] = maglev[i];
	return table;
}

class Swapping : public WorkerOn<Mesh> {
      public:
	Swapping(Napi::Env env, std::shared_ptr<Mesh> mesh, std::vector<MeshTable> tables)
	    : WorkerOn(env, "sidestep:tables", std::move(mesh)), tables_(std::move(tables)) {}

      private:
	void Work(Mesh& mesh) override { mesh.SwapTables(tables_); }
	Napi::Value Answer(Napi::Env env) override { return env.Undefined(); }

	std::vector<MeshTable> tables_;
};

class Ending : public WorkerOn<Mesh> {
      public:
	Ending(Napi::Env env, std::shared_ptr<Mesh> mesh) : WorkerOn(env, "sidestep:dead", std::move(mesh)) {}

      private:
	void Work(Mesh& mesh) override { ended_ = mesh.EndDead(); }
	Napi::Value Answer(Napi::Env env) override { return Napi::Number::New(env, ended_); }

	uint32_t ended_ = 0;
};

void Put(int map, const void* key, const void* value, uint64_t flags, const char* what) {
	if (bpf_map_update_elem(map, key, value, flags) < 0 && !(flags == BPF_NOEXIST && errno == EEXIST))
		throw KernelError(errno == E2BIG ? "mesh_full" : "kernel_refused", std::string("write ") + what, errno);
}

void Remove(int map, const void* key, const char* what) {
	if (bpf_map_delete_elem(map, key) < 0 && errno != ENOENT)
		throw KernelError("kernel_refused", std::string("remove ") + what, errno);
}

Napi::Object TimesObject(Napi::Env env, const mesh_times& times) {
	Napi::Array buckets = Napi::Array::New(env);
	for (uint32_t i = 0; i < MESH_TIME_BUCKETS; i++)
		buckets.Set(i, static_cast<double>(times.count[i]));
	Napi::Object js = Napi::Object::New(env);
	js.Set("buckets", buckets);
	js.Set("sumNs", static_cast<double>(times.sum_ns));
	return js;
}

class NativeMesh : public Napi::ObjectWrap<NativeMesh> {
      public:
	explicit NativeMesh(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeMesh>(info) {
		Arguments from = ArgumentsOf(info, "NativeMesh");
		MeshOptions options;
		options.object_path = from.Text("objectPath");
		options.cgroup_path = from.Text("cgroupPath");
		options.pin_path = from.Text("pinPath");
		options.max_services = from.Number("maxServices", 1);
		options.max_endpoints = from.Number("maxEndpoints", 1, 1U << 30);
		options.verifier_log = from.Flag("verifierLog");
		Guarded(info.Env(), [&] { mesh_ = std::make_shared<Mesh>(std::move(options)); });
	}

	static Napi::Function Define(Napi::Env env) {
		return DefineClass(env, "NativeMesh",
				   {
					   InstanceMethod<&NativeMesh::Info>("info"),
					   InstanceMethod<&NativeMesh::State>("state"),
					   InstanceMethod<&NativeMesh::ApplySettings>("applySettings"),
					   InstanceMethod<&NativeMesh::PutVips>("putVips"),
					   InstanceMethod<&NativeMesh::RemoveVips>("removeVips"),
					   InstanceMethod<&NativeMesh::RemoveServices>("removeServices"),
					   InstanceMethod<&NativeMesh::PutEndpoints>("putEndpoints"),
					   InstanceMethod<&NativeMesh::RemoveEndpoints>("removeEndpoints"),
					   InstanceMethod<&NativeMesh::ForgetLoads>("forgetLoads"),
					   InstanceMethod<&NativeMesh::SetExcepts>("setExcepts"),
					   InstanceMethod<&NativeMesh::SwapTables>("swapTables"),
					   InstanceMethod<&NativeMesh::Loads>("loads"),
					   InstanceMethod<&NativeMesh::Services>("services"),
					   InstanceMethod<&NativeMesh::EndDead>("endDead"),
					   InstanceMethod<&NativeMesh::PutTuning>("putTuning"),
					   InstanceMethod<&NativeMesh::Tallies>("tallies"),
					   InstanceMethod<&NativeMesh::Tuned>("tuned"),
					   InstanceMethod<&NativeMesh::Uninstall>("uninstall"),
					   InstanceMethod<&NativeMesh::CloseJs>("close"),
				   });
	}

      private:
	Mesh& Opened(Napi::Env env) {
		if (mesh_) return *mesh_;
		throw Closed(env, "the mesh");
	}

	Napi::Value Info(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		const Mesh& mesh = Opened(env);
		return Guarded(env, [&]() -> Napi::Value {
			Napi::Object js = Napi::Object::New(env);
			js.Set("tookOver", mesh.took_over());
			Napi::Array programs = Napi::Array::New(env), missing = Napi::Array::New(env);
			for (const ProgramInfo& program : mesh.programs()) {
				Napi::Object row = Napi::Object::New(env);
				row.Set("name", program.name);
				row.Set("type", program.type);
				row.Set("tag", program.tag);
				row.Set("id", program.id);
				row.Set("attachedTo", program.attached_to);
				programs.Set(programs.Length(), row);
			}
			for (const std::string& why : mesh.missing())
				missing.Set(missing.Length(), why);
			js.Set("programs", programs);
			js.Set("missing", missing);
			return js;
		});
	}

	// What the pins hold: {vips, endpoints}.
	Napi::Value State(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		const Mesh& mesh = Opened(env);
		return Guarded(env, [&]() -> Napi::Value {
			Napi::Array vips = Napi::Array::New(env), endpoints = Napi::Array::New(env);
			for (const auto& [vip, service] : ReadAll<mesh_vip, uint64_t>(mesh.map("vips"))) {
				Napi::Object row = Napi::Object::New(env);
				row.Set("address", AddressText(vip.address));
				row.Set("port", ntohs(vip.port));
				row.Set("protocol", vip.protocol);
				row.Set("service", static_cast<double>(service));
				vips.Set(vips.Length(), row);
			}
			for (const auto& [number, endpoint] : ReadAll<uint32_t, mesh_endpoint>(mesh.map("endpoints"))) {
				Napi::HandleScope scope(env);
				Napi::Object row = Napi::Object::New(env);
				row.Set("number", number);
				row.Set("address", AddressText(endpoint.address));
				row.Set("port", ntohs(endpoint.port));
				row.Set("service", endpoint.service);
				row.Set("weight", endpoint.weight);
				row.Set("state", endpoint.state);
				endpoints.Set(endpoints.Length(), row);
			}
			Napi::Object js = Napi::Object::New(env);
			js.Set("vips", vips);
			js.Set("endpoints", endpoints);
			return js;
		});
	}

	void ApplySettings(const Napi::CallbackInfo& info) {
		Mesh& mesh = Opened(info.Env());
		Arguments from = ArgumentsOf(info, "applySettings");
		bool enabled = from.Flag("enabled"), excepts = from.Flag("excepts");
		Guarded(info.Env(), [&] { mesh.ApplySettings(enabled, excepts); });
	}

	template <typename Body> void Each(const Napi::CallbackInfo& info, const char* call, Body body) {
		Mesh& mesh = Opened(info.Env());
		Napi::Array rows = ArrayOf(info, call);
		Guarded(info.Env(), [&] {
			for (uint32_t i = 0; i < rows.Length(); i++) {
				Napi::HandleScope scope(info.Env());
				Napi::Value row = rows.Get(i);
				if (!row.IsObject())
					throw Napi::TypeError::New(info.Env(), std::string(call) + ": takes objects");
				body(mesh, Arguments(row.As<Napi::Object>(), call));
			}
		});
	}

	// A virtual address and the row of its service, which keeps its counts when it is there already.
	void PutVips(const Napi::CallbackInfo& info) {
		Each(info, "putVips", [](Mesh& mesh, const Arguments& from) {
			mesh_vip vip = VipOf(from);
			uint64_t service = from.Number("service", 1);
			auto number = static_cast<uint32_t>(service);
			mesh_service none{};
			Put(mesh.map("services"), &number, &none, BPF_NOEXIST, "a service");
			Put(mesh.map("vips"), &vip, &service, BPF_ANY, "a virtual address");
		});
	}

	void RemoveVips(const Napi::CallbackInfo& info) {
		Each(info, "removeVips", [](Mesh& mesh, const Arguments& from) {
			mesh_vip vip = VipOf(from);
			Remove(mesh.map("vips"), &vip, "a virtual address");
		});
	}

	void PutEndpoints(const Napi::CallbackInfo& info) {
		Each(info, "putEndpoints", [](Mesh& mesh, const Arguments& from) {
			uint32_t number = from.Number("number", 1);
			mesh_endpoint endpoint{};
			endpoint.address = AddressOf(from, "address");
			endpoint.port = htons(static_cast<uint16_t>(from.Number("port", 1, 65535)));
			endpoint.state = static_cast<uint8_t>(from.Number("state", 0, MESH_DOWN));
			endpoint.service = from.Number("service", 1);
			endpoint.weight = from.Number("weight");
			// -1: long ago.
			double age = from.object().Get("ageMs").ToNumber().DoubleValue();
			endpoint.born_ns = age < 0 ? 0 : NowNs() - static_cast<uint64_t>(age * 1e6);
			mesh_load none{};
			Put(mesh.map("loads"), &number, &none, BPF_NOEXIST, "the load of an endpoint");
			Put(mesh.map("endpoints"), &number, &endpoint, BPF_ANY, "an endpoint");
		});
	}

	std::vector<uint32_t> Numbers(const Napi::CallbackInfo& info, const char* call) {
		Napi::Array rows = ArrayOf(info, call);
		std::vector<uint32_t> numbers;
		for (uint32_t i = 0; i < rows.Length(); i++)
			numbers.push_back(static_cast<Napi::Value>(rows[i]).ToNumber().Uint32Value());
		return numbers;
	}

	void RemoveNumbers(const Napi::CallbackInfo& info, const char* call, const char* map, const char* what) {
		Mesh& mesh = Opened(info.Env());
		Guarded(info.Env(), [&] {
			for (uint32_t number : Numbers(info, call))
				Remove(mesh.map(map), &number, what);
		});
	}
	void RemoveServices(const Napi::CallbackInfo& info) {
		RemoveNumbers(info, "removeServices", "services", "a service");
		RemoveNumbers(info, "removeServices", "times", "the times of a service");
	}
	void RemoveEndpoints(const Napi::CallbackInfo& info) {
		RemoveNumbers(info, "removeEndpoints", "endpoints", "an endpoint");
	}
	void ForgetLoads(const Napi::CallbackInfo& info) {
		RemoveNumbers(info, "forgetLoads", "loads", "the load of an endpoint");
	}

	// Replaces the whole list.
	void SetExcepts(const Napi::CallbackInfo& info) {
		Mesh& mesh = Opened(info.Env());
		Guarded(info.Env(), [&] {
			for (const auto& [key, value] : ReadAll<mesh_except, uint64_t>(mesh.map("excepts")))
				Remove(mesh.map("excepts"), &key, "an exception");
		});
		Each(info, "setExcepts", [](Mesh& mesh, const Arguments& from) {
			mesh_except key{};
			key.cgroup = InodeOf(from.Text("cgroup"));
			key.service = from.Number("service");
			uint64_t yes = 1;
			Put(mesh.map("excepts"), &key, &yes, BPF_ANY, "an exception");
		});
	}

	Napi::Value SwapTables(const Napi::CallbackInfo& info) {
		Opened(info.Env());
		std::vector<MeshTable> tables;
		Each(info, "swapTables", [&](Mesh&, const Arguments& from) { tables.push_back(TableOf(from)); });
		return WorkerOn<Mesh>::Start(new Swapping(info.Env(), mesh_, std::move(tables)));
	}

	// One object for each number; an endpoint that nobody knows has zeros.
	Napi::Value Loads(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		Mesh& mesh = Opened(env);
		return Guarded(env, [&]() -> Napi::Value {
			Napi::Array js = Napi::Array::New(env);
			uint64_t now = NowNs();
			for (uint32_t number : Numbers(info, "loads")) {
				Napi::HandleScope scope(env);
				mesh_load load{};
				if (bpf_map_lookup_elem(mesh.map("loads"), &number, &load) < 0 && errno != ENOENT)
					throw KernelError("kernel_refused", "read a load", errno);
				Napi::Object row = Napi::Object::New(env);
				row.Set("connecting", static_cast<double>(load.connecting));
				row.Set("active", static_cast<double>(load.active));
				row.Set("total", static_cast<double>(load.total));
				row.Set("failures", static_cast<double>(load.failures));
				row.Set("resets", static_cast<double>(load.resets));
				row.Set("costMs", load.cost_ns / 1e6);
				row.Set("ejectedMs",
					load.ejected_until_ns > now ? (load.ejected_until_ns - now) / 1e6 : 0);
				js.Set(js.Length(), row);
			}
			return js;
		});
	}

	Napi::Value Services(const Napi::CallbackInfo& info) {
		Napi::Env env = info.Env();
		Mesh& mesh = Opened(env);
		return Guarded(env, [&]() -> Napi::Value {
			Napi::Array js = Napi::Array::New(env);
			std::map<uint32_t, mesh_times> times;
			for (const auto& [number, row] : ReadAll<uint32_t, mesh_times>(mesh.map("times")))
				times[number] = row;
			for (const auto& [number, service] : ReadAll<uint32_t, mesh_service>(mesh.map("services"))) {
				Napi::HandleScope scope(env);
				Napi::Object row = Napi::Object::New(env), picks = Napi::Object::New(env),
					     refused = Napi::Object::New(env);
				for (uint32_t i = 0; i < MESH_TIERS; i++)
					picks.Set(kTiers[i], static_cast<double>(service.picks[i]));
				for (uint32_t i = 0; i < REFUSAL_COUNT; i++)
					refused.Set(kRefusals[i], static_cast<double>(service.refused[i]));
				row.Set("service", number);
				row.Set("connecting", static_cast<double>(service.connecting));
				row.Set("active", static_cast<double>(service.active));
				row.Set("kept", static_cast<double>(service.kept));
				row.Set("picks", picks);
				row.Set("refused", refused);
				row.Set("connectTimes", TimesObject(env, times[number]));
				js.Set(js.Length(), row);
			}
			return js;
		});
	}

	Napi::Value EndDead(const Napi::CallbackInfo& info) {
		Opened(info.Env());
		return WorkerOn<Mesh>::Start(new Ending(info.Env(), mesh_));
	}

	// Replaces the whole list.
	void PutTuning(const Napi::CallbackInfo& info) {
		Mesh& mesh = Opened(info.Env());
		std::vector<tune_rule> rules;
		Each(info, "putTuning", [&](Mesh&, const Arguments& from) { rules.push_back(RuleOf(from)); });
		if (rules.size() > TUNE_RULES)
			throw Napi::TypeError::New(info.Env(),
						   "putTuning: takes at most " + std::to_string(TUNE_RULES));
		Guarded(info.Env(), [&] { sidestep::PutTuning(mesh, rules); });
	}

	Napi::Value Tallies(const Napi::CallbackInfo& info) {
		Mesh& mesh = Opened(info.Env());
		return Guarded(info.Env(), [&]() -> Napi::Value { return TalliesToJs(info.Env(), mesh); });
	}

	Napi::Value Tuned(const Napi::CallbackInfo& info) {
		Opened(info.Env());
		return TunedToJs(info.Env(), mesh_);
	}

	void Uninstall(const Napi::CallbackInfo& info) {
		Mesh& mesh = Opened(info.Env());
		Guarded(info.Env(), [&] { mesh.Uninstall(); });
		mesh_.reset();
	}

	void CloseJs(const Napi::CallbackInfo&) { mesh_.reset(); }

	std::shared_ptr<Mesh> mesh_; // shared with a worker that is under way
};

} // namespace

Napi::Function DefineMesh(Napi::Env env) { return NativeMesh::Define(env); }

} // namespace sidestep
