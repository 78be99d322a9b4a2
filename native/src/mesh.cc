// SPDX-License-Identifier: Apache-2.0
#include "mesh.h"

#include <bpf/bpf.h>
#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "error.h"
#include "mesh_check.h"
#include "namespaces.h"
#include "objects.h"
#include "pins.h"

namespace sidestep {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPinned[] = { "mesh_settings", "vips",    "excepts", "endpoints", "loads", "services",
				    "tables",        "clients", "picks",   "datagrams", "times" };

std::string LinkIn(const std::string& folder, const char* hook) { return folder + "/link_" + hook; }

} // namespace

Mesh::Mesh(MeshOptions options) : options_(std::move(options)) {
	hooks_.push_back({ "recvmsg4", "sidestep_recvmsg4", BPF_CGROUP_UDP4_RECVMSG, Need::kAlways, {} });
	hooks_.push_back({ "recvmsg6", "sidestep_recvmsg6", BPF_CGROUP_UDP6_RECVMSG, Need::kAlways, {} });
	hooks_.push_back({ "sendmsg4", "sidestep_sendmsg4", BPF_CGROUP_UDP4_SENDMSG, Need::kAlways, {} });
	hooks_.push_back({ "sendmsg6", "sidestep_sendmsg6", BPF_CGROUP_UDP6_SENDMSG, Need::kAlways, {} });
	hooks_.push_back(
		{ "getpeername4", "sidestep_getpeername4", BPF_CGROUP_INET4_GETPEERNAME, Need::kOptional, {} });
	hooks_.push_back(
		{ "getpeername6", "sidestep_getpeername6", BPF_CGROUP_INET6_GETPEERNAME, Need::kOptional, {} });
	hooks_.push_back({ "sock_ops", "sidestep_mesh_ops", BPF_CGROUP_SOCK_OPS, Need::kAlways, {} });
	hooks_.push_back({ "tune", "sidestep_mesh_tune", BPF_CGROUP_SOCK_OPS, Need::kOnDemand, {} });
	// Last: no connection is given an endpoint before what counts it is there.
	hooks_.push_back({ "connect4", "sidestep_connect4", BPF_CGROUP_INET4_CONNECT, Need::kAlways, {} });
	hooks_.push_back({ "connect6", "sidestep_connect6", BPF_CGROUP_INET6_CONNECT, Need::kAlways, {} });

	const std::string current = options_.pin_path + "/current", fresh = options_.pin_path + "/new";
	MakeDir(options_.pin_path);
	RequireBpffs(options_.pin_path);
	RemovePins(fresh);
	Open();
	if (fs::exists(current)) {
		ReuseMaps(current);
		Load();
		PinMissing(current);
		UpdateLinks(current);
		took_over_ = true;
		return;
	}
	Load();
	ApplySettings(true, false);
	MakeDir(fresh);
	try {
		PinMissing(fresh);
		for (Hook& hook : hooks_)
			if (hook.need != Need::kOnDemand) Attach(hook, LinkIn(fresh, hook.name));
		if (rename(fresh.c_str(), current.c_str()) < 0)
			throw KernelError("pin_failed", "publish " + current, errno);
	} catch (...) {
		RemovePins(fresh);
		throw;
	}
}

void Mesh::Open() {
	StartCollecting();
	object_.reset(bpf_object__open_file(options_.object_path.c_str(), nullptr));
	if (!object_) throw KernelError("load_failed", "open " + options_.object_path, errno, Collected());
	CheckMeshLayout(bpf_object__btf(object_.get()));
	struct Size {
		const char* map;
		uint32_t entries;
	} sizes[] = {
		{ "vips", options_.max_services },
		{ "services", options_.max_services },
		{ "tables", options_.max_services },
		{ "times", options_.max_services },
		{ "endpoints", options_.max_endpoints },
		// A load outlives its endpoint for as long as connections to it do.
		{ "loads", options_.max_endpoints * 2 },
	};
	for (const Size& size : sizes) {
		bpf_map* map = bpf_object__find_map_by_name(object_.get(), size.map);
		if (!map || bpf_map__set_max_entries(map, size.entries) < 0)
			throw KernelError("load_failed", std::string("size map ") + size.map, errno);
	}
	// Gone once it is loaded.
	const bpf_map* table = bpf_map__inner_map(bpf_object__find_map_by_name(object_.get(), "tables"));
	table_key_type_ = bpf_map__btf_key_type_id(table);
	table_value_type_ = bpf_map__btf_value_type_id(table);
	if (!options_.verifier_log) return;
	bpf_program* program;
	bpf_object__for_each_program(program, object_.get()) bpf_program__set_log_level(program, 1);
}

void Mesh::ReuseMaps(const std::string& current) {
	for (const char* name : kPinned) {
		const std::string path = current + "/map_" + name;
		UniqueFd fd(bpf_obj_get(path.c_str()));
		// It came later than the others.
		if (!fd && errno == ENOENT && strcmp(name, "times") == 0) continue;
		bpf_map* map = bpf_object__find_map_by_name(object_.get(), name);
		bpf_map_info info{};
		uint32_t length = sizeof(info);
		if (!fd || bpf_obj_get_info_by_fd(fd.get(), &info, &length) < 0)
			throw KernelError("pins_foreign_layout", "take over " + path, errno);
		if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
		    info.value_size != bpf_map__value_size(map))
			throw KernelError("pins_foreign_layout",
					  "take over " + path + ": it was made by a version with another layout", 0);
		if (strcmp(name, "mesh_settings") == 0) {
			uint32_t zero = 0;
			mesh_settings settings{};
			if (bpf_map_lookup_elem(fd.get(), &zero, &settings) < 0)
				throw KernelError("kernel_refused", "read " + path, errno);
			if (settings.layout != MESH_LAYOUT_VERSION)
				throw KernelError("pins_foreign_layout",
						  "take over " + current + ": it has mesh layout " +
							  std::to_string(settings.layout) + ", this version has " +
							  std::to_string(MESH_LAYOUT_VERSION),
						  0);
		}
		if (bpf_map__reuse_fd(map, fd.get()) < 0) throw KernelError("load_failed", "reuse " + path, errno);
	}
}

void Mesh::PinMissing(const std::string& folder) {
	for (const char* name : kPinned) {
		const std::string path = folder + "/map_" + name;
		if (!fs::exists(path) && bpf_obj_pin(map(name), path.c_str()) < 0)
			throw KernelError("pin_failed", "pin " + path, errno);
	}
}

void Mesh::Load() {
	StartCollecting();
	if (bpf_object__load(object_.get()) < 0) {
		int err = errno;
		throw KernelError("load_failed", "load the balancing programs", err, Collected());
	}
}

void Mesh::Attach(Hook& hook, const std::string& path) {
	UniqueFd cgroup(open(options_.cgroup_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!cgroup) throw KernelError("no_cgroup2", "open the cgroup " + options_.cgroup_path, errno);
	hook.fd.reset(bpf_link_create(program(hook.program), cgroup.get(), hook.type, nullptr));
	if (!hook.fd) {
		int err = errno;
		std::string owners = OwnersOf(cgroup.get(), hook.type);
		if (hook.need == Need::kOptional) {
			missing_.push_back(std::string(hook.name) + ": " + ErrnoWords(err) +
					   (owners.empty() ? "" : "; it is held by " + owners));
			return;
		}
		throw KernelError(owners.empty() ? "attach_failed" : "hook_busy",
				  std::string("attach ") + hook.program + " to " + options_.cgroup_path +
					  (owners.empty() ? "" : "; it is held by " + owners),
				  err);
	}
	if (bpf_obj_pin(hook.fd.get(), path.c_str()) < 0) {
		int err = errno;
		hook.fd.reset();
		throw KernelError("pin_failed", "pin " + path, err);
	}
}

// In place where that can be done; on another cgroup the new link first, then the old one goes.
void Mesh::UpdateLinks(const std::string& current) {
	for (Hook& hook : hooks_) {
		const std::string path = LinkIn(current, hook.name);
		UniqueFd old(bpf_obj_get(path.c_str()));
		if (hook.need == Need::kOnDemand) {
			// Its rules went with the agent that had them; whoever has some attaches it again.
			unlink(path.c_str());
			if (old) bpf_link_detach(old.get());
			continue;
		}
		if (old && CgroupOf(old.get()) == InodeOf(options_.cgroup_path)) {
			if (bpf_link_update(old.get(), program(hook.program), nullptr) < 0)
				throw KernelError("attach_failed", "update " + path, errno);
			hook.fd = std::move(old);
			continue;
		}
		unlink(path.c_str());
		Attach(hook, path);
	}
}

void Mesh::WantTuning(bool wanted) {
	for (Hook& hook : hooks_) {
		if (hook.need != Need::kOnDemand || hook.fd.valid() == wanted) continue;
		const std::string path = LinkIn(options_.pin_path + "/current", hook.name);
		if (wanted) {
			Attach(hook, path);
			continue;
		}
		unlink(path.c_str());
		bpf_link_detach(hook.fd.get());
		hook.fd.reset();
	}
}

int Mesh::map(const char* name) const {
	int fd = bpf_object__find_map_fd_by_name(object_.get(), name);
	if (fd < 0) throw KernelError("load_failed", std::string("find map ") + name, -fd);
	return fd;
}

int Mesh::program(const char* name) const {
	bpf_program* program = bpf_object__find_program_by_name(object_.get(), name);
	if (!program) throw KernelError("load_failed", std::string("find program ") + name, ENOENT);
	return bpf_program__fd(program);
}

std::vector<ProgramInfo> Mesh::programs() const {
	std::vector<ProgramInfo> out;
	for (const Hook& hook : hooks_) {
		if (!hook.fd) continue;
		bpf_prog_info info = ProgramInfoOf(program(hook.program));
		out.push_back(
			{ hook.program, hook.name, Hex(info.tag, sizeof(info.tag)), options_.cgroup_path, info.id });
	}
	return out;
}

void Mesh::ApplySettings(bool enabled, bool excepts) {
	mesh_settings settings{};
	settings.layout = MESH_LAYOUT_VERSION;
	settings.enabled = enabled;
	settings.excepts = excepts;
	uint32_t zero = 0;
	if (bpf_map_update_elem(map("mesh_settings"), &zero, &settings, BPF_ANY) < 0)
		throw KernelError("kernel_refused", "write the settings", errno);
	// Which process this is, the kernel knows best: it may have another number in this pid namespace.
	RunProgram(program("sidestep_mesh_self"), "leave the agent itself out");
}

UniqueFd Mesh::NewTable(const std::vector<mesh_row>& rows) const {
	auto count = static_cast<uint32_t>(rows.size());
	// Linux 6.1 takes it for a table only with the types that the first one had.
	LIBBPF_OPTS(bpf_map_create_opts, create, .btf_fd = static_cast<uint32_t>(bpf_object__btf_fd(object_.get())),
		    .btf_key_type_id = table_key_type_, .btf_value_type_id = table_value_type_,
		    .map_flags = BPF_F_INNER_MAP);
	UniqueFd fd(
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "mesh_table", sizeof(uint32_t), sizeof(mesh_row), count, &create));
	if (!fd) throw KernelError("kernel_refused", "make a table", errno);
	std::vector<uint32_t> keys(count);
	for (uint32_t i = 0; i < count; i++)
		keys[i] = i;
	if (bpf_map_update_batch(fd.get(), keys.data(), rows.data(), &count, nullptr) < 0)
		throw KernelError("kernel_refused", "fill a table", errno);
	return fd;
}

void Mesh::SwapTables(const std::vector<MeshTable>& tables) {
	std::vector<UniqueFd> kept;
	std::vector<uint32_t> services, fds;
	for (const MeshTable& table : tables) {
		if (table.rows.empty()) {
			if (bpf_map_delete_elem(map("tables"), &table.service) < 0 && errno != ENOENT)
				throw KernelError("kernel_refused", "remove a table", errno);
			continue;
		}
		kept.push_back(NewTable(table.rows));
		services.push_back(table.service);
		fds.push_back(static_cast<uint32_t>(kept.back().get()));
	}
	if (services.empty()) return;
	auto count = static_cast<uint32_t>(services.size());
	if (bpf_map_update_batch(map("tables"), services.data(), fds.data(), &count, nullptr) < 0)
		throw KernelError("kernel_refused", "swap tables", errno);
}

uint32_t Mesh::EndDead() {
	UniqueFd link(bpf_link_create(program("sidestep_mesh_dead"), 0, BPF_TRACE_ITER, nullptr));
	if (!link) throw KernelError("kernel_refused", "attach sidestep_mesh_dead", errno);
	uint32_t ended = 0;
	for (const auto& [inum, fd] : OpenNamespaces(nullptr))
		RunIterator(link.get(), fd.get(),
			    [&](const char*, size_t bytes) { ended += static_cast<uint32_t>(bytes); });
	return ended;
}

void Mesh::Uninstall() {
	for (Hook& hook : hooks_) {
		if (hook.fd) bpf_link_detach(hook.fd.get());
		hook.fd.reset();
	}
	RemovePins(options_.pin_path + "/current");
	rmdir(options_.pin_path.c_str());
}

} // namespace sidestep
