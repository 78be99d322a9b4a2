// SPDX-License-Identifier: Apache-2.0
#include "datapath.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "error.h"
#include "layout.h"
#include "layout_check.h"
#include "objects.h"
#include "pins.h"
#include "probe.h"

namespace sidestep {
namespace {

namespace fs = std::filesystem;

// Maps that outlive an agent. Scratch maps belong to the programs and come and go with them.
constexpr const char* kPinnedMaps[] = { "settings", "scope", "half_open", "listeners", "workloads", "pairs",
					"sockets",  "flows", "edges",     "counters",  "events",    "retiring" };

// Messages that wait to be read and are timed (metrics.queueWait).
constexpr uint32_t kTimedAtOnce = 8192;

} // namespace

Datapath::Datapath(DatapathOptions options) : options_(std::move(options)) {
	try {
		Start();
	} catch (...) {
		rmdir(options_.pin_path.c_str()); // goes only if nothing is in it
		throw;
	}
}

void Datapath::Start() {
	const PinPaths paths(options_.pin_path);
	const std::string &current = paths.current, &fresh = paths.fresh;
	MakeDir(paths.root);
	RequireBpffs(paths.root);
	SettlePins(paths);
	// Sockets in a map that is taken over read as it was made; a mode cannot change under them.
	if (fs::exists(current)) options_.unified = !fs::exists(current + "/link_fionread");
	hooks_.push_back({ "sidestep_sk_msg", "sk_msg", BPF_SK_MSG_VERDICT, "sockets", {} });
	hooks_.push_back(options_.unified
				 ? Hook{ "sidestep_sk_skb", "sk_skb", BPF_SK_SKB_STREAM_VERDICT, "sockets", {} }
				 : FionreadHook());
	hooks_.push_back({ "sidestep_guard", "guard", BPF_TRACE_RAW_TP, "tcp_rcv_space_adjust", {} });
	hooks_.push_back({ "sidestep_sockopt", "sockopt", BPF_CGROUP_SETSOCKOPT, options_.cgroup_path, {} });
	// Last: nothing enters the map before what serves it is attached.
	hooks_.push_back({ "sidestep_sock_ops", "sock_ops", BPF_CGROUP_SOCK_OPS, options_.cgroup_path, {} });

	uint32_t layout = LayoutOf(current);
	if (layout > SIDESTEP_LAYOUT_VERSION) {
		throw KernelError("pins_foreign_layout",
				  "take over " + current + ": a newer version made it, with layout " +
					  std::to_string(layout) + "; this version has layout " +
					  std::to_string(SIDESTEP_LAYOUT_VERSION),
				  0);
	}
	Open();
	if (layout == SIDESTEP_LAYOUT_VERSION) {
		ReuseMaps(current);
		Load();
		UpdateLinks(current);
		took_over_ = true;
		WriteScope();
		ApplySettings(options_.enabled, options_.observe, options_.queue_bytes);
		return;
	}
	Load();
	WriteScope();
	ApplySettings(options_.enabled, options_.observe, options_.queue_bytes);
	MakeDir(fresh);
	try {
		PinMaps(fresh);
		Attach(fresh, layout ? current : "");
		if (layout) Displace(paths);
		if (rename(fresh.c_str(), current.c_str()) < 0)
			throw KernelError("pin_failed", "publish " + current, errno);
	} catch (...) {
		GiveBack();
		RemovePins(fresh);
		throw;
	}
}

// Mode split only. Its link says that the pins are of that mode: every kernel has links for tracing.
Datapath::Hook Datapath::FionreadHook() {
	if (ProbeFentry("sock_ioctl") == Answer::kYes)
		return { "sidestep_ioctl", "fionread", BPF_TRACE_FENTRY, "sock_ioctl", {} };
	return { "sidestep_ioctl_call", "fionread", BPF_TRACE_RAW_TP, "sys_enter", {} };
}

// What belongs to the other mode, or to another kernel, is not loaded.
void Datapath::ChoosePrograms() {
	for (const char* name : { "sidestep_sk_skb", "sidestep_ioctl", "sidestep_ioctl_call" }) {
		bool used = false;
		for (const Hook& hook : hooks_)
			used = used || strcmp(hook.program, name) == 0;
		bpf_program* program = bpf_object__find_program_by_name(object_.get(), name);
		if (program) bpf_program__set_autoload(program, used);
	}
	// In mode split the guard does not see sockets of the map being read.
	options_.queue_wait = options_.queue_wait && options_.unified;
}

// Once the maps of an earlier agent have been taken over: they keep their size.
void Datapath::SetMode() {
	sidestep_mode mode{};
	mode.split_bytes = options_.unified ? 0 : options_.split_bytes;
	mode.times_waits = options_.queue_wait;
	mode.half_open_slots = bpf_map__max_entries(bpf_object__find_map_by_name(object_.get(), "half_open"));
	bpf_map* constants = bpf_object__find_map_by_name(object_.get(), ".rodata.mode");
	if (!constants || bpf_map__set_initial_value(constants, &mode, sizeof(mode)) < 0)
		throw KernelError("load_failed", "set the mode of the programs", EINVAL);
}

void Datapath::Open() {
	StartCollecting();
	object_.reset(bpf_object__open_file(options_.object_path.c_str(), nullptr));
	if (!object_) throw KernelError("load_failed", "open " + options_.object_path, errno, Collected());
	CheckLayout(bpf_object__btf(object_.get()));

	struct Size {
		const char* map;
		uint32_t entries;
	} sizes[] = {
		{ "half_open", options_.max_half_open }, { "listeners", options_.max_listeners },
		{ "workloads", options_.max_listeners }, { "pairs", options_.max_pairs },
		{ "sockets", options_.max_pairs * 2 },   { "edges", options_.max_edges },
		{ "events", options_.event_buffer },     { "waiting", options_.queue_wait ? kTimedAtOnce : 1 },
	};
	for (const Size& size : sizes) {
		bpf_map* map = bpf_object__find_map_by_name(object_.get(), size.map);
		if (!map || bpf_map__set_max_entries(map, size.entries) < 0)
			throw KernelError("load_failed", std::string("size map ") + size.map, errno);
	}
	ChoosePrograms();
	if (options_.verifier_log) {
		bpf_program* program;
		bpf_object__for_each_program(program, object_.get()) bpf_program__set_log_level(program, 1);
	}
}

void Datapath::ReuseMaps(const std::string& current) {
	for (const char* name : kPinnedMaps) {
		const std::string path = current + "/map_" + name;
		UniqueFd fd(bpf_obj_get(path.c_str()));
		if (!fd)
			throw KernelError("pins_foreign_layout",
					  "take over " + path +
						  "; `sidestep retire` with the version that made it removes it",
					  errno);
		bpf_map* map = bpf_object__find_map_by_name(object_.get(), name);
		bpf_map_info info{};
		uint32_t length = sizeof(info);
		if (bpf_obj_get_info_by_fd(fd.get(), &info, &length) < 0)
			throw KernelError("kernel_refused", "read " + path, errno);
		if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
		    info.value_size != bpf_map__value_size(map)) {
			throw KernelError("pins_foreign_layout",
					  "take over " + path + ": it was made by a version with another layout", 0);
		}
		if (strcmp(name, "settings") == 0) {
			uint32_t zero = 0;
			sidestep_settings settings{};
			if (bpf_map_lookup_elem(fd.get(), &zero, &settings) < 0)
				throw KernelError("kernel_refused", "read " + path, errno);
			if (settings.layout != SIDESTEP_LAYOUT_VERSION) {
				throw KernelError(
					"pins_foreign_layout",
					"take over " + current + ": it has layout " + std::to_string(settings.layout) +
						", this version has layout " + std::to_string(SIDESTEP_LAYOUT_VERSION),
					0);
			}
		}
		if (bpf_map__reuse_fd(map, fd.get()) < 0) throw KernelError("load_failed", "reuse " + path, errno);
	}
}

void Datapath::Load() {
	SetMode();
	StartCollecting();
	if (bpf_object__load(object_.get()) < 0) {
		int err = errno;
		throw KernelError("load_failed", "load the programs", err, Collected());
	}
}

void Datapath::PinMaps(const std::string& dir) {
	for (const char* name : kPinnedMaps) {
		const std::string path = dir + "/map_" + name;
		if (bpf_obj_pin(map(name), path.c_str()) < 0) throw KernelError("pin_failed", "pin " + path, errno);
	}
}

// `displaced`: the pins of another layout, whose hooks on the cgroup are taken over so that no connection sees none, or two.
void Datapath::Attach(const std::string& dir, const std::string& displaced) {
	for (Hook& hook : hooks_) {
		const std::string path = dir + "/link_" + hook.link;
		if (displaced.empty() || !Inherit(hook, displaced, path)) AttachAndPin(hook, path);
	}
}

bool Datapath::Inherit(Hook& hook, const std::string& displaced, const std::string& path) {
	if (!hook.on_cgroup()) return false;
	UniqueFd link(bpf_obj_get((displaced + "/link_" + hook.link).c_str()));
	if (!link || CgroupOf(link.get()) != InodeOf(options_.cgroup_path)) return false;
	bpf_link_info info{};
	uint32_t length = sizeof(info);
	if (bpf_obj_get_info_by_fd(link.get(), &info, &length) < 0)
		throw KernelError("kernel_refused", "read link information", errno);
	hook.before.reset(bpf_prog_get_fd_by_id(info.prog_id));
	if (bpf_link_update(link.get(), program(hook.program), nullptr) < 0)
		throw KernelError("attach_failed", std::string("update the link of ") + hook.link, errno);
	hook.fd = std::move(link);
	PinOver(hook.fd.get(), path);
	return true;
}

// An upgrade that failed half-way: the hooks of the other layout run its own programs again.
void Datapath::GiveBack() {
	for (Hook& hook : hooks_) {
		if (hook.fd && hook.before) bpf_link_update(hook.fd.get(), hook.before.get(), nullptr);
	}
}

void Datapath::AttachAndPin(Hook& hook, const std::string& path) {
	if (hook.on_sockets()) {
		AttachOne(hook, map("sockets"), "the sockets map");
	} else if (!hook.on_cgroup()) {
		hook.fd.reset(bpf_raw_tracepoint_open(nullptr, program(hook.program)));
		if (!hook.fd) {
			throw KernelError("attach_failed", std::string("attach ") + hook.program + " to " + hook.target,
					  errno);
		}
	} else {
		UniqueFd cgroup(open(options_.cgroup_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		if (!cgroup) throw KernelError("no_cgroup2", "open the cgroup " + options_.cgroup_path, errno);
		AttachOne(hook, cgroup.get(), options_.cgroup_path);
	}
	if (hook.fd) PinOver(hook.fd.get(), path);
}

void Datapath::AttachOne(Hook& hook, int target, const std::string& target_name) {
	auto type = static_cast<bpf_attach_type>(hook.attach_type);
	int prog = program(hook.program);
	hook.fd.reset(bpf_link_create(prog, target, type, nullptr));
	if (hook.fd) return;
	int err = errno;
	// Sockmap links came with 6.10; before, the map itself holds the program.
	if (!hook.on_cgroup() && bpf_prog_attach(prog, target, type, 0) == 0) return;
	std::string owners = hook.on_cgroup() ? OwnersOf(target, type) : "";
	throw KernelError(owners.empty() ? "attach_failed" : "hook_busy",
			  std::string("attach ") + hook.program + " to " + target_name +
				  (owners.empty() ? "" : "; it is held by " + owners),
			  err);
}

// Each link is updated in place, so that no connection sees a moment without a program.
void Datapath::UpdateLinks(const std::string& current) {
	for (Hook& hook : hooks_) {
		const std::string path = current + "/link_" + hook.link;
		hook.fd.reset(bpf_obj_get(path.c_str()));
		if (!hook.fd) {
			AttachAndPin(hook, path);
			continue;
		}
		bool moved = hook.on_cgroup() && CgroupOf(hook.fd.get()) != InodeOf(options_.cgroup_path);
		if (moved || !(hook.on_cgroup() || hook.on_sockets())) {
			// Another cgroup, or tracing, whose links cannot be updated: the new one first, then the old goes.
			UniqueFd old = std::move(hook.fd);
			AttachAndPin(hook, path);
			continue;
		}
		if (bpf_link_update(hook.fd.get(), program(hook.program), nullptr) < 0)
			throw KernelError("attach_failed", "update " + path, errno);
	}
}

int Datapath::map(const char* name) const {
	int fd = bpf_object__find_map_fd_by_name(object_.get(), name);
	if (fd < 0) throw KernelError("load_failed", std::string("find map ") + name, -fd);
	return fd;
}

uint32_t Datapath::map_capacity(const char* name) const {
	return bpf_map__max_entries(bpf_object__find_map_by_name(object_.get(), name));
}

int Datapath::program(const char* name) const {
	bpf_program* program = bpf_object__find_program_by_name(object_.get(), name);
	if (!program) throw KernelError("load_failed", std::string("find program ") + name, ENOENT);
	return bpf_program__fd(program);
}

std::vector<ProgramInfo> Datapath::programs() const {
	std::vector<ProgramInfo> out;
	for (const Hook& hook : hooks_) {
		bpf_prog_info info = ProgramInfoOf(program(hook.program));
		out.push_back({ hook.program, hook.link, Hex(info.tag, sizeof(info.tag)), hook.target, info.id });
	}
	return out;
}

void Datapath::ApplySettings(bool enabled, bool observe, uint32_t queue_bytes) {
	timespec now{};
	clock_gettime(CLOCK_BOOTTIME, &now);
	sidestep_settings settings{};
	settings.layout = SIDESTEP_LAYOUT_VERSION;
	settings.enabled = enabled;
	settings.observe = observe;
	settings.trust = options_.trust_listeners;
	settings.queue_bytes = queue_bytes;
	settings.generation = NextGeneration();
	settings.window_ns = options_.window.ns;
	settings.window_bytes = options_.window.bytes;
	settings.window_connections = options_.window.connections;
	settings.stream_messages = options_.placement.messages;
	settings.stream_ns = options_.placement.ns;
	settings.stream_bytes = options_.placement.bytes;
	settings.brief_turns = options_.placement.brief_turns;
	settings.follow = options_.placement.follow;
	settings.refresh_ms = options_.placement.refresh_ms;
	settings.stay_ns = options_.placement.stay_ns;
	settings.tell_all = options_.tell_all;
	settings.owner = static_cast<uint64_t>(now.tv_sec) * 1000000000ULL + now.tv_nsec;
	uint32_t zero = 0;
	if (bpf_map_update_elem(map("settings"), &zero, &settings, BPF_ANY) < 0)
		throw KernelError("kernel_refused", "write the settings", errno);
	options_.enabled = enabled;
	options_.observe = observe;
	options_.queue_bytes = queue_bytes;
}

void Datapath::ApplyWindow(const LearningWindow& window) {
	options_.window = window;
	ApplySettings(options_.enabled, options_.observe, options_.queue_bytes);
}

void Datapath::ApplyPlacement(const Placement& placement) {
	options_.placement = placement;
	ApplySettings(options_.enabled, options_.observe, options_.queue_bytes);
}

void Datapath::ApplyTelling(bool all) {
	options_.tell_all = all;
	ApplySettings(options_.enabled, options_.observe, options_.queue_bytes);
}

// Zero is what a pair that nobody judged would have.
uint32_t Datapath::NextGeneration() const {
	uint32_t zero = 0;
	sidestep_settings settings{};
	if (bpf_map_lookup_elem(map("settings"), &zero, &settings) < 0)
		throw KernelError("kernel_refused", "read the settings", errno);
	return settings.generation + 1 ? settings.generation + 1 : 1;
}

// A new table takes the place of the old one in a single step; the kernel frees the old one when its last reader is out.
void Datapath::WriteScope() {
	uint32_t zero = 0;
	UniqueFd table(
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "scope_table", sizeof(zero), sizeof(sidestep_scope), 1, nullptr));
	if (!table || bpf_map_update_elem(table.get(), &zero, &options_.scope, BPF_ANY) < 0)
		throw KernelError("kernel_refused", "make a table of selectors", errno);
	int fd = table.get();
	if (bpf_map_update_elem(map("scope"), &zero, &fd, BPF_ANY) < 0)
		throw KernelError("kernel_refused", "put the selectors in force", errno);
}

void Datapath::ApplyScope(const sidestep_scope& scope) {
	options_.scope = scope;
	WriteScope();
	ApplySettings(options_.enabled, options_.observe, options_.queue_bytes);
}

DrainResult Datapath::DrainOthers() {
	const fs::path own = options_.object_path;
	const char* name = own.filename().string().ends_with("-probe.bpf.o") ? "leave-probe.bpf.o" : "leave.bpf.o";
	const std::string object = own.parent_path() / name;
	return drains_.Pass(PinPaths(options_.pin_path), object);
}

void Datapath::Uninstall() {
	ApplySettings(false, options_.observe, options_.queue_bytes);
	for (Hook& hook : hooks_) {
		if (hook.fd && hook.on_cgroup()) bpf_link_detach(hook.fd.get());
		hook.fd.reset();
	}
	const PinPaths paths(options_.pin_path);
	RetractPins(paths);
	for (const std::string& dir : paths.Draining())
		RemovePins(dir);
	rmdir(options_.pin_path.c_str());
}

} // namespace sidestep
