// SPDX-License-Identifier: Apache-2.0
// Network namespaces of this host, and iterators that walk the sockets of one of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <system_error>

#include "unique_fd.h"

namespace sidestep {

// Call `visit` with the name of each entry of a directory; a directory that is not there has none.
void VisitEntries(const std::string& dir, const std::function<void(const std::string&)>& visit);

// A descriptor for each wanted namespace, by inode number, found through a process that lives in it or through its
// mount. Null: every namespace. Without CAP_SYS_ADMIN there is only that of this process.
std::map<uint32_t, UniqueFd> OpenNamespaces(const std::set<uint32_t>* wanted);

// All of them, again and again: where no process was started since, and none that a namespace was found by has gone, nobody
// has to look through /proc. One that a living process makes for itself is seen some seconds later. Keeps no descriptor:
// that would keep the namespace.
class NamespaceFinder {
      public:
	std::map<uint32_t, UniqueFd> Open();
	// After a walk for which the caller started this many threads: they are numbered as processes are.
	void Started(uint64_t threads);

      private:
	static constexpr std::chrono::seconds kTrust{ 5 };

	std::mutex mutex_;
	std::map<uint32_t, std::string> paths_;
	uint64_t latest_ = 0;
	std::filesystem::file_time_type named_;
	std::chrono::steady_clock::time_point searched_;
	std::error_code ignored_;
};

// Runs `body` in a thread of its own that has entered the namespace, because libuv's must stay where they are. Returns
// its errno, or that of entering.
int InNamespace(int netns, const std::function<int()>& body);

// Run a TCP iterator to its end. It sees the namespace of the thread that opens it.
// `take`: called with what the program wrote, piece by piece, on that thread.
void RunIterator(int link, int netns, const std::function<void(const char*, size_t)>& take = {});

} // namespace sidestep
