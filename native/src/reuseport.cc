// SPDX-License-Identifier: Apache-2.0
#include "reuseport.h"

#include <bpf/bpf.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "borrow.h"
#include "error.h"
#include "objects.h"
#include "reuseport_check.h"

namespace sidestep {
namespace {

constexpr const char* kChooser = "sidestep_reuse";
constexpr const char* kOwner = "reuse_owner";
// The kernel clips names of maps to 15 characters.
constexpr const char* kMaps[] = { "reuse_sockets", "reuse_groups",  "reuse_totals", kOwner,
				  "reuse_events",  "reuse_members", "reuse_tallies" };

// Start of a process in clock ticks since boot: the 22nd field of its stat. 0: there is no such process.
uint64_t StartOf(uint32_t pid) {
	std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
	std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
	size_t name_end = text.rfind(')');
	if (name_end == std::string::npos) return 0;
	std::istringstream rest(text.substr(name_end + 1));
	std::string word;
	for (int field = 3; field <= 22; field++)
		rest >> word;
	return strtoull(word.c_str(), nullptr, 10);
}

template <typename Info> bool InfoOf(int fd, Info& info) {
	uint32_t length = sizeof(info);
	return bpf_obj_get_info_by_fd(fd, &info, &length) == 0;
}

struct NamedMap {
	std::string name;
	UniqueFd fd;
	bpf_map_info info{};
};

std::vector<NamedMap> MapsOf(int program) {
	uint32_t ids[64] = {};
	bpf_prog_info info{};
	info.nr_map_ids = std::size(ids);
	info.map_ids = reinterpret_cast<uintptr_t>(ids);
	std::vector<NamedMap> maps;
	if (!InfoOf(program, info)) return maps;
	for (uint32_t i = 0; i < info.nr_map_ids && i < std::size(ids); i++) {
		NamedMap map;
		map.fd.reset(bpf_map_get_fd_by_id(ids[i]));
		if (!map.fd || !InfoOf(map.fd.get(), map.info)) continue;
		map.name = map.info.name;
		maps.push_back(std::move(map));
	}
	return maps;
}

bool ReadOwner(int program, sidestep_reuse_owner& owner) {
	uint32_t zero = 0;
	for (const NamedMap& map : MapsOf(program)) {
		if (map.name == kOwner && map.info.value_size == sizeof(owner))
			return bpf_map_lookup_elem(map.fd.get(), &zero, &owner) == 0;
	}
	return false;
}

} // namespace

std::vector<uint32_t> LeftoverChoosers(const std::string& pin_path) {
	std::vector<uint32_t> found;
	uint32_t id = 0;
	while (bpf_prog_get_next_id(id, &id) == 0) {
		UniqueFd fd(bpf_prog_get_fd_by_id(id));
		bpf_prog_info info{};
		sidestep_reuse_owner owner{};
		if (!fd || !InfoOf(fd.get(), info)) continue;
		if (info.type != BPF_PROG_TYPE_SK_REUSEPORT || strcmp(info.name, kChooser) != 0) continue;
		if (!ReadOwner(fd.get(), owner) || pin_path != owner.pin_path) continue;
		// Its agent lives: then it is not ours, whatever it is called.
		if (owner.started && StartOf(owner.pid) == owner.started) continue;
		found.push_back(id);
	}
	return found;
}

Reuseport::Reuseport(ReuseportOptions options) : options_(std::move(options)) {
	if (options_.pin_path.size() >= SIDESTEP_REUSE_PATH)
		throw KernelError("load_failed", "name the chooser: " + options_.pin_path + " is too long", 0);
	std::vector<uint32_t> before = LeftoverChoosers(options_.pin_path);
	Open();
	// The latest of them has the state; what it holds is taken over when it fits.
	took_over_ = !before.empty() && ReuseMaps(before.back());
	StartCollecting();
	if (bpf_object__load(object_.get()) < 0) {
		int err = errno;
		throw KernelError("load_failed", "load the chooser of listeners", err, Collected());
	}
	bpf_prog_info mine{};
	if (!InfoOf(program(kChooser), mine)) throw KernelError("kernel_refused", "read the chooser", errno);
	chooser_.reset(dup(program(kChooser)));
	chooser_id_ = mine.id;
	if (took_over_) {
		UniqueFd fd(bpf_prog_get_fd_by_id(before.back()));
		bpf_prog_info theirs{};
		if (fd && InfoOf(fd.get(), theirs) && memcmp(theirs.tag, mine.tag, sizeof(mine.tag)) == 0) {
			chooser_ = std::move(fd);
			chooser_id_ = before.back();
			before.pop_back();
		}
	}
	old_ = std::move(before);
	tag_ = Hex(mine.tag, sizeof(mine.tag));
	Own();
}

void Reuseport::Open() {
	StartCollecting();
	object_.reset(bpf_object__open_file(options_.object_path.c_str(), nullptr));
	if (!object_) throw KernelError("load_failed", "open " + options_.object_path, errno, Collected());
	CheckReuseportLayout(bpf_object__btf(object_.get()));
	struct Size {
		const char* map;
		uint32_t entries;
	} sizes[] = {
		{ "reuse_sockets", options_.max_listeners }, { "reuse_members", options_.max_listeners },
		{ "reuse_tallies", options_.max_listeners }, { "reuse_groups", options_.max_groups },
		{ "reuse_totals", options_.max_groups + 1 },
	};
	for (const Size& size : sizes) {
		bpf_map* map = bpf_object__find_map_by_name(object_.get(), size.map);
		if (!map || bpf_map__set_max_entries(map, size.entries) < 0)
			throw KernelError("load_failed", std::string("size map ") + size.map, errno);
	}
	if (options_.verifier_log) {
		bpf_program* program;
		bpf_object__for_each_program(program, object_.get()) bpf_program__set_log_level(program, 1);
	}
}

// All or none: maps of another layout or size are left to die with the program that uses them.
bool Reuseport::ReuseMaps(uint32_t program_id) {
	UniqueFd program(bpf_prog_get_fd_by_id(program_id));
	sidestep_reuse_owner owner{};
	if (!program || !ReadOwner(program.get(), owner) || owner.layout != SIDESTEP_REUSE_LAYOUT) return false;
	std::vector<NamedMap> theirs = MapsOf(program.get());
	std::vector<std::pair<bpf_map*, int>> chosen;
	for (const char* name : kMaps) {
		bpf_map* map = bpf_object__find_map_by_name(object_.get(), name);
		auto found = std::find_if(theirs.begin(), theirs.end(),
					  [&](const NamedMap& their) { return their.name == name; });
		if (found == theirs.end()) return false;
		if (found->info.type != bpf_map__type(map) || found->info.key_size != bpf_map__key_size(map) ||
		    found->info.value_size != bpf_map__value_size(map) ||
		    found->info.max_entries != bpf_map__max_entries(map))
			return false;
		chosen.emplace_back(map, found->fd.get());
	}
	for (auto [map, fd] : chosen) {
		if (bpf_map__reuse_fd(map, fd) < 0)
			throw KernelError("load_failed", "reuse the maps of listeners", errno);
	}
	return true;
}

void Reuseport::Own() {
	sidestep_reuse_owner owner{};
	owner.layout = SIDESTEP_REUSE_LAYOUT;
	owner.pid = static_cast<uint32_t>(getpid());
	owner.started = StartOf(owner.pid);
	strncpy(owner.pin_path, options_.pin_path.c_str(), sizeof(owner.pin_path) - 1);
	uint32_t zero = 0;
	if (bpf_map_update_elem(map(kOwner), &zero, &owner, BPF_ANY) < 0)
		throw KernelError("kernel_refused", "sign the chooser", errno);
	// The program does not read it, and would not keep it alive.
	if (bpf_prog_bind_map(chooser_.get(), map(kOwner), nullptr) < 0)
		throw KernelError("kernel_refused", "bind the owner to the chooser", errno);
}

int Reuseport::map(const char* name) const {
	int fd = bpf_object__find_map_fd_by_name(object_.get(), name);
	if (fd < 0) throw KernelError("load_failed", std::string("find map ") + name, -fd);
	return fd;
}

int Reuseport::program(const char* name) const {
	bpf_program* program = bpf_object__find_program_by_name(object_.get(), name);
	if (!program) throw KernelError("load_failed", std::string("find program ") + name, ENOENT);
	return bpf_program__fd(program);
}

void Reuseport::Attach(const Borrowed& socket) const {
	UniqueFd fd = BorrowSocket(socket.pid, socket.fd, socket.cookie);
	int program = chooser_.get();
	if (setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof(program)) < 0)
		throw KernelError("kernel_refused", "attach the chooser to a group of listeners", errno);
}

void Reuseport::Detach(const Borrowed& socket) const {
	UniqueFd fd = BorrowSocket(socket.pid, socket.fd, socket.cookie);
	int none = 0;
	if (setsockopt(fd.get(), SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none, sizeof(none)) < 0 && errno != ENOENT)
		throw KernelError("kernel_refused", "detach the chooser from a group of listeners", errno);
}

void Reuseport::Enlist(uint32_t slot, const sidestep_reuse_member& member, const Borrowed& socket) const {
	UniqueFd fd = BorrowSocket(socket.pid, socket.fd, socket.cookie);
	sidestep_reuse_tally tally{};
	if (bpf_map_update_elem(map("reuse_tallies"), &slot, &tally, BPF_ANY) < 0)
		throw KernelError("kernel_refused", "reset the tally of a listener", errno);
	Amend(slot, member);
	uint64_t value = static_cast<uint64_t>(fd.get());
	if (bpf_map_update_elem(map("reuse_sockets"), &slot, &value, BPF_ANY) < 0) {
		int err = errno;
		Release(slot);
		throw KernelError(err == EBUSY ? "hook_busy" : "kernel_refused", "enlist a listener", err);
	}
}

void Reuseport::Amend(uint32_t slot, const sidestep_reuse_member& member) const {
	if (bpf_map_update_elem(map("reuse_members"), &slot, &member, BPF_ANY) < 0)
		throw KernelError("kernel_refused", "describe a listener", errno);
}

void Reuseport::Release(uint32_t slot) const {
	sidestep_reuse_member nobody{};
	bpf_map_update_elem(map("reuse_members"), &slot, &nobody, BPF_ANY);
	// A socket that has closed is out already.
	bpf_map_delete_elem(map("reuse_sockets"), &slot);
}

void Reuseport::WriteGroup(uint32_t id, const sidestep_reuse_group& group) const {
	if (bpf_map_update_elem(map("reuse_groups"), &id, &group, BPF_ANY) < 0)
		throw KernelError("kernel_refused", "describe a group of listeners", errno);
}

void Reuseport::RemoveGroup(uint32_t id) const {
	int groups = map("reuse_groups");
	sidestep_reuse_group group{};
	if (bpf_map_lookup_elem(groups, &id, &group) < 0) return;
	bpf_map_delete_elem(groups, &id);
	sidestep_reuse_group_tally none{};
	bpf_map_update_elem(map("reuse_totals"), &group.index, &none, BPF_ANY);
}

void Reuseport::Look() const { RunProgram(program("sidestep_reuse_look"), "look at the listeners"); }

} // namespace sidestep
