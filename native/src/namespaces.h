// SPDX-License-Identifier: Apache-2.0
// Network namespaces of this host, and iterators that walk the sockets of one of them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "unique_fd.h"

namespace sidestep {

// Call `visit` with the name of each entry of a directory; a directory that is not there has none.
void VisitEntries(const std::string& dir, const std::function<void(const std::string&)>& visit);

// A descriptor for each wanted namespace, by inode number, found through a process that lives in it or through its
// mount. Null: every namespace.
std::map<uint32_t, UniqueFd> OpenNamespaces(const std::set<uint32_t>* wanted);

// Runs `body` in a thread of its own that has entered the namespace, because libuv's must stay where they are. Returns
// its errno, or that of entering.
int InNamespace(int netns, const std::function<int()>& body);

// Run a TCP iterator to its end. It sees the namespace of the thread that opens it.
// `take`: called with what the program wrote, piece by piece, on that thread.
void RunIterator(int link, int netns, const std::function<void(const char*, size_t)>& take = {});

} // namespace sidestep
