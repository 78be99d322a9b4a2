// SPDX-License-Identifier: Apache-2.0
#include "namespaces.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>
#include <thread>

#include "error.h"

namespace sidestep {
namespace {

// To stay where one is needs no privilege, and to enter even one's own namespace does.
bool IsOwn(int netns) {
	struct stat own{}, other{};
	return stat("/proc/self/ns/net", &own) == 0 && fstat(netns, &other) == 0 && own.st_ino == other.st_ino;
}

} // namespace

void VisitEntries(const std::string& dir, const std::function<void(const std::string&)>& visit) {
	DIR* stream = opendir(dir.c_str());
	if (!stream) return;
	while (dirent* entry = readdir(stream))
		visit(entry->d_name);
	closedir(stream);
}

std::map<uint32_t, UniqueFd> OpenNamespaces(const std::set<uint32_t>* wanted) {
	std::map<uint32_t, UniqueFd> found;
	auto consider = [&](const std::string& path) {
		struct stat st{};
		if ((wanted && found.size() == wanted->size()) || stat(path.c_str(), &st) < 0) return;
		auto inum = static_cast<uint32_t>(st.st_ino);
		if ((wanted && !wanted->count(inum)) || found.count(inum)) return;
		UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
		struct statfs fs{};
		// A name in /run/netns may be an empty file that its namespace left behind.
		if (!fd || fstatfs(fd.get(), &fs) < 0 || fs.f_type != NSFS_MAGIC) return;
		found.emplace(inum, std::move(fd));
	};
	consider("/proc/self/ns/net");
	VisitEntries("/run/netns", [&](const std::string& name) { consider("/run/netns/" + name); });
	VisitEntries("/proc", [&](const std::string& name) {
		if (name.find_first_not_of("0123456789") == std::string::npos) consider("/proc/" + name + "/ns/net");
	});
	return found;
}

int InNamespace(int netns, const std::function<int()>& body) {
	int err = 0;
	std::thread([&] { err = !IsOwn(netns) && setns(netns, CLONE_NEWNET) < 0 ? errno : body(); }).join();
	return err;
}

void RunIterator(int link, int netns, const std::function<void(const char*, size_t)>& take) {
	int err = InNamespace(netns, [&] {
		UniqueFd iterator(bpf_iter_create(link));
		if (!iterator) return errno;
		char buffer[4096];
		ssize_t n;
		while ((n = read(iterator.get(), buffer, sizeof(buffer))) > 0 ||
		       (n < 0 && (errno == EAGAIN || errno == EINTR))) {
			if (n > 0 && take) take(buffer, static_cast<size_t>(n));
		}
		return n < 0 ? errno : 0;
	});
	if (err) throw KernelError("kernel_refused", "walk the sockets of a network namespace", err);
}

} // namespace sidestep
