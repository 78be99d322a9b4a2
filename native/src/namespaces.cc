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
#include <fstream>
#include <thread>
#include <utility>

#include "capabilities.h"
#include "error.h"

namespace sidestep {
namespace {

bool MayEnterOthers() {
	static const bool may = HeldCapabilities().effective & CapabilityBit(CAP_SYS_ADMIN);
	return may;
}

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

namespace {

// The namespace behind a path, if it is one that may be entered.
std::pair<uint32_t, UniqueFd> OpenNamespace(const std::string& path, const std::function<bool(uint32_t)>& wanted) {
	struct stat st{};
	if (stat(path.c_str(), &st) < 0) return {};
	auto inum = static_cast<uint32_t>(st.st_ino);
	if (!wanted(inum)) return {};
	UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
	struct statfs fs{};
	// A name in /run/netns may be an empty file that its namespace left behind.
	if (!fd || fstatfs(fd.get(), &fs) < 0 || fs.f_type != NSFS_MAGIC) return {};
	if (!MayEnterOthers() && !IsOwn(fd.get())) return {};
	return { inum, std::move(fd) };
}

void EachPath(const std::function<void(const std::string&)>& consider) {
	consider("/proc/self/ns/net");
	VisitEntries("/run/netns", [&](const std::string& name) { consider("/run/netns/" + name); });
	VisitEntries("/proc", [&](const std::string& name) {
		if (name.find_first_not_of("0123456789") == std::string::npos) consider("/proc/" + name + "/ns/net");
	});
}

// Number of the latest process that was started; 0 when the kernel does not tell.
uint64_t LatestProcess() {
	std::ifstream file("/proc/loadavg");
	std::string word;
	uint64_t latest = 0;
	for (int i = 0; i < 4; i++)
		file >> word;
	return file >> latest ? latest : 0;
}

} // namespace

std::map<uint32_t, UniqueFd> OpenNamespaces(const std::set<uint32_t>* wanted) {
	std::map<uint32_t, UniqueFd> found;
	EachPath([&](const std::string& path) {
		if (wanted && found.size() == wanted->size()) return;
		auto [inum, fd] = OpenNamespace(
			path, [&](uint32_t it) { return (!wanted || wanted->count(it)) && !found.count(it); });
		if (fd) found.emplace(inum, std::move(fd));
	});
	return found;
}

std::map<uint32_t, UniqueFd> NamespaceFinder::Open() {
	std::lock_guard<std::mutex> lock(mutex_);
	std::map<uint32_t, UniqueFd> found;
	auto now = std::chrono::steady_clock::now();
	uint64_t latest = LatestProcess();
	auto named = std::filesystem::last_write_time("/run/netns", ignored_);
	bool quiet = latest && latest == latest_ && named == named_ && now - searched_ < kTrust;
	for (const auto& [inum, path] : paths_) {
		if (!quiet) break;
		auto [now_there, fd] = OpenNamespace(path, [inum = inum](uint32_t it) { return it == inum; });
		if (fd)
			found.emplace(now_there, std::move(fd));
		else
			quiet = false; // The process that it was found by has gone; it may have others.
	}
	if (quiet) return found;
	found.clear();
	paths_.clear();
	EachPath([&](const std::string& path) {
		auto [inum, fd] = OpenNamespace(path, [&](uint32_t it) { return !found.count(it); });
		if (!fd) return;
		found.emplace(inum, std::move(fd));
		paths_.emplace(inum, path);
	});
	latest_ = latest;
	named_ = named;
	searched_ = now;
	return found;
}

void NamespaceFinder::Started(uint64_t threads) {
	std::lock_guard<std::mutex> lock(mutex_);
	// Anything else that was started meanwhile shows as another number at the next look.
	latest_ += latest_ ? threads : 0;
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
