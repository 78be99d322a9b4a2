// SPDX-License-Identifier: Apache-2.0
#include "lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "error.h"
#include "unique_fd.h"

namespace sidestep {
namespace {

// /proc/locks: "1: FLOCK  ADVISORY  WRITE 708 00:13:16543 0 EOF"
int HolderOf(int fd) {
	struct stat st{};
	if (fstat(fd, &st) < 0) return 0;
	char inode[64];
	snprintf(inode, sizeof(inode), "%02x:%02x:%lu", major(st.st_dev), minor(st.st_dev),
		 static_cast<unsigned long>(st.st_ino));
	std::ifstream locks("/proc/locks");
	for (std::string line; std::getline(locks, line);) {
		std::istringstream words(line);
		std::string index, kind, mode, access, where;
		int pid = 0;
		if (words >> index >> kind >> mode >> access >> pid >> where && kind == "FLOCK" && where == inode)
			return pid;
	}
	return 0;
}

// The one that was locked may have been removed, and another made in its place, between open and flock.
bool IsAt(int fd, const std::string& path) {
	struct stat held{}, there{};
	return fstat(fd, &held) == 0 && stat(path.c_str(), &there) == 0 && held.st_ino == there.st_ino &&
	       held.st_dev == there.st_dev;
}

} // namespace

Napi::Value LockDirectory(const Napi::CallbackInfo& info) {
	Napi::Env env = info.Env();
	if (info.Length() < 1 || !info[0].IsString())
		throw Napi::TypeError::New(env, "lockDirectory(path): path must be a string");
	std::string path = info[0].As<Napi::String>();
	return Guarded(env, [&]() -> Napi::Value {
		auto fd = std::make_shared<UniqueFd>(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		if (!fd->valid()) throw KernelError("lock_failed", "open " + path, errno);
		if (flock(fd->get(), LOCK_EX | LOCK_NB) < 0) {
			int err = errno;
			if (err != EWOULDBLOCK) throw KernelError("lock_failed", "lock " + path, err);
			int pid = HolderOf(fd->get());
			Napi::Error error = ToJs(
				env, KernelError("locked",
						 "take " + path + ": process " + std::to_string(pid) + " holds it", 0));
			error.Set("pid", Napi::Number::New(env, pid));
			throw error;
		}
		if (!IsAt(fd->get(), path)) throw KernelError("lock_moved", "lock " + path + ": it was removed", 0);
		return Napi::Function::New(env, [fd](const Napi::CallbackInfo&) { fd->reset(); }, "release");
	});
}

} // namespace sidestep
