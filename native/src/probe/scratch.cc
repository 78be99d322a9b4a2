// SPDX-License-Identifier: Apache-2.0
#include "scratch.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

namespace sidestep::probe {
namespace {

// Where the v2 hierarchy is mounted: /sys/fs/cgroup, or /sys/fs/cgroup/unified on a hybrid host.
std::string CgroupMount() {
	std::ifstream mounts("/proc/self/mountinfo");
	for (std::string line; std::getline(mounts, line);) {
		size_t dash = line.find(" - ");
		if (dash == std::string::npos || line.compare(dash + 3, 8, "cgroup2 ") != 0) continue;
		std::istringstream words(line);
		std::string id, parent, device, root, point;
		words >> id >> parent >> device >> root >> point;
		return point;
	}
	return "";
}

} // namespace

ScratchCgroup::ScratchCgroup() {
	std::string mount = CgroupMount();
	if (mount.empty()) {
		trouble_ = { Answer::kUnknown, "attach: no cgroup v2 hierarchy is mounted" };
		return;
	}
	std::string path = mount + "/sidestep-probe-" + std::to_string(getpid());
	// A killed agent may have left one under the same pid; only an empty one can be removed.
	if (mkdir(path.c_str(), 0700) < 0 &&
	    (errno != EEXIST || rmdir(path.c_str()) < 0 || mkdir(path.c_str(), 0700) < 0)) {
		trouble_ = CouldNotAsk("attach: make cgroup " + path, errno);
		return;
	}
	path_ = path;
	fd_.reset(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!fd_) trouble_ = CouldNotAsk("attach: open cgroup " + path, errno);
}

ScratchCgroup::~ScratchCgroup() {
	fd_.reset();
	if (!path_.empty()) rmdir(path_.c_str());
}

Step KernelBtf::Find(const char* name, uint32_t kind, uint32_t& id) const {
	if (!btf_) return { Answer::kUnknown, "the kernel's BTF is not readable" };
	int found = btf__find_by_name_kind(btf_, name, kind);
	if (found < 0) return { Answer::kNo, std::string(name) + " is not in the kernel's BTF" };
	id = static_cast<uint32_t>(found);
	return Yes();
}

UniqueFd NewMap(bpf_map_type type, uint32_t key, uint32_t value, uint32_t entries, const bpf_map_create_opts* opts) {
	return UniqueFd(bpf_map_create(type, kName, key, value, entries, opts));
}

UniqueFd NewSockhash() { return NewMap(BPF_MAP_TYPE_SOCKHASH, 4, 4, 1); }

UniqueFd NewSkStorage() {
	btf* types = btf__new_empty();
	int number = types ? btf__add_int(types, "int", 4, BTF_INT_SIGNED) : -1;
	UniqueFd map;
	if (number > 0 && btf__load_into_kernel(types) == 0) {
		LIBBPF_OPTS(bpf_map_create_opts, opts, .btf_fd = static_cast<uint32_t>(btf__fd(types)),
			    .btf_key_type_id = static_cast<uint32_t>(number),
			    .btf_value_type_id = static_cast<uint32_t>(number), .map_flags = BPF_F_NO_PREALLOC);
		map = NewMap(BPF_MAP_TYPE_SK_STORAGE, 4, 4, 0, &opts);
	}
	int err = errno;
	btf__free(types);
	errno = err;
	return map;
}

Step InNewNamespace(const std::function<Step()>& body) {
	Step result{ Answer::kUnknown, "" };
	try {
		std::thread([&] {
			result = unshare(CLONE_NEWNET) < 0 ? CouldNotAsk("attach: make a network namespace", errno)
							   : body();
		}).join();
	} catch (const std::system_error& error) {
		return CouldNotAsk("attach: start a thread", error.code().value());
	}
	return result;
}

} // namespace sidestep::probe
