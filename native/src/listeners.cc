// SPDX-License-Identifier: Apache-2.0
#include "listeners.h"

#include <bpf/bpf.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <unordered_map>

#include "layout.h"
#include "namespaces.h"
#include "tables.h"
#include "worker.h"
#include "workloads.h"

namespace sidestep {
namespace {

using Rows = std::vector<std::pair<uint64_t, sidestep_listener>>;

// Inode number of a link such as "socket:[12345]"; 0 for anything else.
uint64_t SocketInode(const std::string& path) {
	char target[PATH_MAX];
	ssize_t n = readlink(path.c_str(), target, sizeof(target) - 1);
	if (n < 0) return 0;
	target[n] = '\0';
	unsigned long long inode = 0;
	return sscanf(target, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

void ReadComm(const std::string& pid, char* comm) {
	std::ifstream file("/proc/" + pid + "/comm");
	std::string name;
	std::getline(file, name);
	strncpy(comm, name.c_str(), SIDESTEP_COMM - 1);
}

void ReadExecutable(const std::string& pid, sidestep_listener& row) {
	struct stat st{};
	if (stat(("/proc/" + pid + "/exe").c_str(), &st) < 0) return;
	row.exe_inode = st.st_ino;
	row.exe_dev = major(st.st_dev) << 20 | minor(st.st_dev);
}

uint32_t NameRows(Rows& rows) {
	std::unordered_map<uint64_t, sidestep_listener*> nameless;
	for (auto& [address, row] : rows) {
		if (!row.pid) nameless[row.inode] = &row;
	}
	uint32_t named = 0;
	VisitEntries("/proc", [&](const std::string& pid) {
		if (nameless.empty() || pid.find_first_not_of("0123456789") != std::string::npos) return;
		const std::string fds = "/proc/" + pid + "/fd";
		VisitEntries(fds, [&](const std::string& fd) {
			auto found = nameless.find(SocketInode(fds + "/" + fd));
			if (found == nameless.end()) return;
			found->second->pid = static_cast<uint32_t>(std::stoul(pid));
			ReadComm(pid, found->second->comm);
			ReadExecutable(pid, *found->second);
			nameless.erase(found);
			named++;
		});
	});
	return named;
}

// Only the kernel can say which workload a process is.
void AddWorkloads(const Datapath& datapath, Rows& rows) {
	std::unordered_map<uint32_t, uint64_t> workloads;
	for (const sidestep_process& process : ReadProcesses(datapath, 0))
		workloads[process.pid] = process.workload;
	for (auto& [address, row] : rows) {
		auto found = workloads.find(row.pid);
		if (!row.workload && row.pid && found != workloads.end()) row.workload = found->second;
	}
}

class Adoption : public Worker {
      public:
	Adoption(Napi::Env env, std::shared_ptr<Datapath> datapath)
	    : Worker(env, "sidestep:listeners", std::move(datapath)) {}

      private:
	void Work(Datapath& datapath) override {
		UniqueFd link(bpf_link_create(datapath.program("sidestep_iter_listen"), 0, BPF_TRACE_ITER, nullptr));
		if (!link) throw KernelError("kernel_refused", "attach the listener iterator", errno);
		for (const auto& [inum, fd] : OpenNamespaces(nullptr))
			RunIterator(link.get(), fd.get());
		Rows rows = ReadListeners(datapath);
		named_ = NameRows(rows);
		AddWorkloads(datapath, rows);
		// A row that has gone meanwhile is gone for good reason: only those still there are written.
		int map = datapath.map("listeners");
		for (const auto& [address, row] : rows)
			bpf_map_update_elem(map, &address, &row, BPF_EXIST);
	}
	Napi::Value Answer(Napi::Env env) override { return Napi::Number::New(env, named_); }

	uint32_t named_ = 0;
};

} // namespace

Napi::Value AdoptListeners(Napi::Env env, std::shared_ptr<Datapath> datapath) {
	return Worker::Start(new Adoption(env, std::move(datapath)));
}

} // namespace sidestep
