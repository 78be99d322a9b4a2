// SPDX-License-Identifier: Apache-2.0
// The TCP sockets that listen in the network namespace of this process.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "frontdoor/address.h"

namespace sidestep {

struct ListeningSocket {
	door::Address address;
	bool only_v6;
	bool of_device; // bound to a network device
	uint32_t inode;
	uint64_t cookie;
};

std::vector<ListeningSocket> ListeningSockets();

// Addresses of the network devices of this namespace, IPv4 as v4-mapped.
std::set<std::array<uint8_t, 16>> OwnAddresses();

} // namespace sidestep
