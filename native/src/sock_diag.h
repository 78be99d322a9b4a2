// SPDX-License-Identifier: Apache-2.0
// What the kernel tells of TCP sockets of this network namespace over netlink, and what it does to them.
#pragma once

#include <linux/inet_diag.h>

#include <cstddef>
#include <cstdint>
#include <functional>

#include "unique_fd.h"

namespace sidestep {

// One socket; `bytes` is the length of the row with the attributes behind it.
using SockDiagRow = std::function<void(const inet_diag_msg& row, size_t bytes)>;

UniqueFd OpenSockDiag();

// Asks, and calls `row` with each answer until the kernel says that it is done. Returns the errno that it says, or ours.
int AskSockDiag(int netlink, uint16_t type, uint16_t flags, const inet_diag_req_v2& what, const SockDiagRow& row);

// All TCP sockets of a family in these states, a bit for each.
int ListTcp(int netlink, uint8_t family, uint32_t states, const SockDiagRow& row);

} // namespace sidestep
