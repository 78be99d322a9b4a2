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

// Run a socket iterator to its end. It sees the namespace of the thread that opens it, so a thread of its own enters it.
// Returns how many bytes it printed.
uint32_t RunIterator(int link, int netns);

} // namespace sidestep
