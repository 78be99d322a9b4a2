// SPDX-License-Identifier: Apache-2.0
#include "workloads.h"

#include <bpf/bpf.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error.h"
#include "maps.h"
#include "objects.h"
#include "tables.h"
#include "unique_fd.h"

namespace sidestep {
namespace {

// A device number as stat(2) gives it, from the kernel's own, and back.
uint64_t StatDev(uint32_t dev) { return makedev(dev >> 20, dev & 0xfffff); }
uint32_t KernelDev(uint64_t dev) { return major(dev) << 20 | minor(dev); }

uint64_t Whole(const Napi::Object& js, const char* key) {
	Napi::Value value = js.Get(key);
	std::string text = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
	if (text.empty() || text.size() > 20 || text.find_first_not_of("0123456789") != std::string::npos)
		throw Napi::TypeError::New(js.Env(), std::string(key) + " must be a decimal number in a string");
	return strtoull(text.c_str(), nullptr, 10);
}

void PutComm(const Napi::Object& js, char* comm) {
	Napi::Value value = js.Get("comm");
	if (!value.IsString()) throw Napi::TypeError::New(js.Env(), "comm must be a string");
	strncpy(comm, value.As<Napi::String>().Utf8Value().c_str(), SIDESTEP_COMM - 1);
}

bool Flag(const Napi::Object& js, const char* key) {
	Napi::Value value = js.Get(key);
	if (!value.IsBoolean()) throw Napi::TypeError::New(js.Env(), std::string(key) + " must be true or false");
	return value.As<Napi::Boolean>();
}

// Known bits, and a reason + 1, from { client, server, wary, hazard }.
sidestep_repute ReputeFrom(const Napi::Object& js) {
	sidestep_repute repute{};
	if (Flag(js, "client")) repute.known |= KNOWN_CLEAN;
	if (Flag(js, "server")) repute.known |= KNOWN_CLEAN | KNOWN_SERVER;
	if (Flag(js, "wary")) repute.known |= KNOWN_WARY;
	Napi::Value hazard = js.Get("hazard");
	if (!hazard.IsString()) throw Napi::TypeError::New(js.Env(), "hazard must be the name of a reason, or empty");
	const std::string name = hazard.As<Napi::String>();
	for (uint32_t i = 0; i < REASON_COUNT; i++) {
		if (name == ReasonName(i)) repute.hazard = i + 1;
	}
	if (!name.empty() && !repute.hazard) throw Napi::TypeError::New(js.Env(), "hazard: no reason has this name");
	return repute;
}

void PutFile(Napi::Object js, uint64_t inode, uint32_t dev, uint64_t changed) {
	js.Set("exeInode", std::to_string(inode));
	js.Set("exeDev", std::to_string(StatDev(dev)));
	js.Set("exeChanged", std::to_string(changed));
}

Napi::Object RowToJs(Napi::Env env, uint64_t id, const sidestep_workload& workload, const sidestep_settings& settings,
		     double now_ms) {
	const sidestep_habits& habits = workload.habits;
	double sinceMs = habits.first_ns ? now_ms - habits.first_ns / 1e6 : 0;
	bool enough = habits.plain && habits.connections >= settings.window_connections &&
		      habits.bytes >= settings.window_bytes && sinceMs >= settings.window_ns / 1e6;
	if (habits.known & KNOWN_WARY) enough = enough && habits.plain >= WARY_READS && sinceMs >= WARY_NS / 1e6;
	Napi::Object row = Napi::Object::New(env);
	row.Set("id", PairIdText(id));
	row.Set("comm", Comm(workload.comm));
	row.Set("pid", workload.pid);
	row.Set("cgroup", std::to_string(workload.cgroup));
	PutFile(row, workload.exe_inode, workload.exe_dev, workload.exe_changed);
	row.Set("plain", habits.plain != 0);
	row.Set("blocking", habits.blocking != 0);
	row.Set("hazard", habits.hazard ? ReasonName(habits.hazard - 1) : "");
	row.Set("known", (habits.known & KNOWN_CLEAN) != 0);
	row.Set("enough", enough);
	Napi::Object reads = Napi::Object::New(env);
	reads.Set("plain", habits.plain);
	reads.Set("blocking", habits.blocking);
	reads.Set("hazard", habits.hazards);
	reads.Set("connections", habits.connections);
	reads.Set("accepted", habits.accepted);
	reads.Set("bytes", static_cast<double>(habits.bytes));
	reads.Set("forMs", sinceMs);
	row.Set("reads", reads);
	row.Set("seenMsAgo", now_ms - workload.seen_ns / 1e6);
	return row;
}

} // namespace

std::vector<sidestep_process> ReadProcesses(const Datapath& datapath, uint32_t pid) {
	bpf_iter_link_info info{};
	info.task.pid = pid;
	LIBBPF_OPTS(bpf_link_create_opts, options);
	options.iter_info = &info;
	options.iter_info_len = sizeof(info);
	UniqueFd link(bpf_link_create(datapath.program("sidestep_iter_process"), 0, BPF_TRACE_ITER, &options));
	// The process has ended.
	if (!link && pid && errno == ESRCH) return {};
	if (!link) throw KernelError("kernel_refused", "attach the process iterator", errno);
	UniqueFd iterator(bpf_iter_create(link.get()));
	if (!iterator) throw KernelError("kernel_refused", "open the process iterator", errno);
	std::string bytes;
	char buffer[16384];
	ssize_t n;
	while ((n = read(iterator.get(), buffer, sizeof(buffer))) > 0 ||
	       (n < 0 && (errno == EAGAIN || errno == EINTR))) {
		if (n > 0) bytes.append(buffer, static_cast<size_t>(n));
	}
	if (n < 0) throw KernelError("kernel_refused", "walk the processes", errno);
	std::vector<sidestep_process> out(bytes.size() / sizeof(sidestep_process));
	memcpy(out.data(), bytes.data(), out.size() * sizeof(sidestep_process));
	return out;
}

Napi::Value ProcessesToJs(Napi::Env env, const Datapath& datapath, uint32_t pid) {
	auto processes = ReadProcesses(datapath, pid);
	Napi::Array js = Napi::Array::New(env, processes.size());
	uint32_t index = 0;
	for (const sidestep_process& process : processes) {
		Napi::HandleScope scope(env);
		Napi::Object row = Napi::Object::New(env);
		row.Set("id", PairIdText(process.workload));
		row.Set("pid", process.pid);
		row.Set("comm", Comm(process.comm));
		row.Set("cgroup", std::to_string(process.cgroup));
		PutFile(row, process.exe_inode, process.exe_dev, process.exe_changed);
		js.Set(index++, row);
	}
	return js;
}

Napi::Value ProfilesToJs(Napi::Env env, const Datapath& datapath) {
	auto workloads = ReadAll<uint64_t, sidestep_workload>(datapath.map("workloads"));
	sidestep_settings settings{};
	uint32_t zero = 0;
	if (bpf_map_lookup_elem(datapath.map("settings"), &zero, &settings) < 0)
		throw KernelError("kernel_refused", "read the settings", errno);
	double now_ms = NowMs();
	Napi::Array js = Napi::Array::New(env, workloads.size());
	uint32_t index = 0;
	for (const auto& [id, workload] : workloads) {
		Napi::HandleScope scope(env);
		js.Set(index++, RowToJs(env, id, workload, settings, now_ms));
	}
	return js;
}

void SeedWorkload(const Datapath& datapath, const Napi::Object& process, const Napi::Object& habits) {
	sidestep_repute repute = ReputeFrom(habits);
	sidestep_seed seed{};
	seed.workload = ParsePairId(process.Env(), process.Get("id").ToString());
	seed.known = repute.known | KNOWN_MET;
	seed.hazard = repute.hazard;
	seed.blocking = Flag(habits, "blocking");
	seed.plain = Flag(habits, "plain");

	sidestep_workload row{};
	row.exe_inode = Whole(process, "exeInode");
	row.exe_dev = KernelDev(Whole(process, "exeDev"));
	row.exe_changed = Whole(process, "exeChanged");
	row.cgroup = Whole(process, "cgroup");
	row.pid = process.Get("pid").ToNumber().Uint32Value();
	PutComm(process, row.comm);
	row.habits.known = seed.known;
	row.habits.hazard = seed.hazard;
	row.habits.blocking = seed.blocking;
	row.habits.plain = seed.plain;
	timespec now{};
	clock_gettime(CLOCK_MONOTONIC, &now);
	row.seen_ns = static_cast<uint64_t>(now.tv_sec) * 1000000000ULL + now.tv_nsec;
	if (bpf_map_update_elem(datapath.map("workloads"), &seed.workload, &row, BPF_NOEXIST) == 0) return;
	if (errno != EEXIST) throw KernelError("kernel_refused", "write what is known of a workload", errno);

	RunProgram(datapath.program("sidestep_seed"), "add what is known of a workload", &seed, sizeof(seed));
}

bool ForgetWorkload(const Datapath& datapath, uint64_t workload) {
	int listeners = datapath.map("listeners");
	for (auto [address, row] : ReadListeners(datapath)) {
		if (row.workload != workload) continue;
		row.habits = {};
		bpf_map_update_elem(listeners, &address, &row, BPF_EXIST);
	}
	if (bpf_map_delete_elem(datapath.map("workloads"), &workload) == 0) return true;
	if (errno != ENOENT) throw KernelError("kernel_refused", "forget a workload", errno);
	return false;
}

void SetRepute(const Datapath& datapath, const Napi::Object& program, const Napi::Value& habits) {
	sidestep_program key{};
	key.exe_inode = Whole(program, "exeInode");
	key.exe_dev = KernelDev(Whole(program, "exeDev"));
	key.exe_changed = Whole(program, "exeChanged");
	PutComm(program, key.comm);
	int map = datapath.map("programs");
	if (!habits.IsObject()) {
		if (bpf_map_delete_elem(map, &key) < 0 && errno != ENOENT)
			throw KernelError("kernel_refused", "forget a program", errno);
		return;
	}
	sidestep_repute repute = ReputeFrom(habits.As<Napi::Object>());
	if (bpf_map_update_elem(map, &key, &repute, BPF_ANY) < 0)
		throw KernelError("kernel_refused", "write what is known of a program", errno);
}

} // namespace sidestep
