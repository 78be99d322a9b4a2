// SPDX-License-Identifier: Apache-2.0
#include "reuseport_walk.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "error.h"
#include "namespaces.h"

namespace sidestep {
namespace {

constexpr const char* kMigrateSysctl = "/proc/sys/net/ipv4/tcp_migrate_req";

// A thread of its own: libuv's must stay in the namespace where they are.
void InNamespaces(const std::map<uint32_t, UniqueFd>& namespaces, const std::function<void(uint32_t)>& visit) {
	std::exception_ptr failure;
	std::thread([&] {
		try {
			for (const auto& [inum, fd] : namespaces) {
				if (setns(fd.get(), CLONE_NEWNET) < 0)
					throw KernelError("kernel_refused", "enter a network namespace", errno);
				visit(inum);
			}
		} catch (...) {
			failure = std::current_exception();
		}
	}).join();
	if (failure) std::rethrow_exception(failure);
}

void ReadRows(int link, std::vector<sidestep_reuse_row>& rows) {
	UniqueFd iterator(bpf_iter_create(link));
	if (!iterator) throw KernelError("kernel_refused", "walk the sockets of a network namespace", errno);
	std::vector<char> text;
	char buffer[32768];
	ssize_t n;
	while ((n = read(iterator.get(), buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0) text.insert(text.end(), buffer, buffer + n);
	// EAGAIN is the word of the program that the listeners are through.
	if (n < 0 && errno != EAGAIN)
		throw KernelError("kernel_refused", "read the sockets of a network namespace", errno);
	size_t before = rows.size();
	rows.resize(before + text.size() / sizeof(sidestep_reuse_row));
	memcpy(rows.data() + before, text.data(), (rows.size() - before) * sizeof(sidestep_reuse_row));
}

uint64_t SocketInode(const std::string& path) {
	char target[PATH_MAX];
	ssize_t n = readlink(path.c_str(), target, sizeof(target) - 1);
	if (n < 0) return 0;
	target[n] = '\0';
	unsigned long long inode = 0;
	return sscanf(target, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

UniqueFd LinkOf(const Reuseport& reuseport, const char* program) {
	UniqueFd link(bpf_link_create(reuseport.program(program), 0, BPF_TRACE_ITER, nullptr));
	if (!link) throw KernelError("kernel_refused", std::string("attach ") + program, errno);
	return link;
}

} // namespace

std::vector<sidestep_reuse_row> WalkSharers(const Reuseport& reuseport) {
	reuseport.Look();
	UniqueFd tcp = LinkOf(reuseport, "sidestep_reuse_tcp"), udp = LinkOf(reuseport, "sidestep_reuse_udp");
	std::vector<sidestep_reuse_row> rows;
	InNamespaces(reuseport.namespaces().Open(), [&](uint32_t) {
		ReadRows(tcp.get(), rows);
		ReadRows(udp.get(), rows);
	});
	reuseport.namespaces().Started(1);
	return rows;
}

std::map<uint64_t, Holder> FindHolders(const std::set<uint64_t>& inodes) {
	std::vector<uint32_t> pids;
	VisitEntries("/proc", [&](const std::string& name) {
		if (name.find_first_not_of("0123456789") == std::string::npos)
			pids.push_back(static_cast<uint32_t>(std::stoul(name)));
	});
	std::sort(pids.begin(), pids.end());
	std::map<uint64_t, Holder> found;
	for (uint32_t pid : pids) {
		if (found.size() == inodes.size()) break;
		const std::string fds = "/proc/" + std::to_string(pid) + "/fd";
		VisitEntries(fds, [&](const std::string& fd) {
			uint64_t inode = SocketInode(fds + "/" + fd);
			if (inode && inodes.count(inode) && !found.count(inode))
				found.emplace(inode, Holder{ pid, std::stoi(fd) });
		});
	}
	return found;
}

std::map<uint32_t, int> MigrateSysctl(const std::set<uint32_t>& namespaces, const int* value) {
	std::map<uint32_t, int> found;
	InNamespaces(OpenNamespaces(&namespaces), [&](uint32_t inum) {
		UniqueFd fd(open(kMigrateSysctl, (value ? O_RDWR : O_RDONLY) | O_CLOEXEC));
		char digit = value && *value ? '1' : '0';
		if (!fd || (value && write(fd.get(), &digit, 1) != 1))
			throw KernelError("kernel_refused", std::string("write ") + kMigrateSysctl, errno);
		if (pread(fd.get(), &digit, 1, 0) == 1) found[inum] = digit == '1';
	});
	return found;
}

} // namespace sidestep
