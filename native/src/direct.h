// SPDX-License-Identifier: Apache-2.0
// The kernel side of a front door that hands its calls to listening sockets of this network namespace. No JavaScript in here.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "datapath.h"
#include "direct_layout.h"
#include "frontdoor/address.h"
#include "unique_fd.h"

namespace sidestep {

// A backend, and the key of its socket in the kernel's table.
struct DirectBackend {
	uint32_t key = 0;
	door::Address address;
};

struct DirectDoor {
	door::Address address;
	uint32_t tally = 0;
	std::vector<door::Network> allow;
	std::vector<door::Network> deny;
	// Keys of sockets and their weights; none: what arrives here is none of ours.
	std::vector<std::pair<uint32_t, uint32_t>> slots;
};

struct DirectFound {
	// Why each cannot be called directly, in their order; "" for one that can.
	std::vector<std::string> why;
	std::vector<door::Address> others;
};

// Nothing is pinned: when the process ends, calls arrive at the sockets of the door again.
class Direct {
      public:
	Direct(const std::string& object_path, bool verifier_log);

	// Looks for the listening sockets of these backends and puts them into the kernel's table; and for sockets that listen at one of
	// these ports, but at one address only. Not for the event loop.
	DirectFound Find(const std::vector<DirectBackend>& backends, const std::set<uint16_t>& ports);
	void Forget(uint32_t key);
	// Replaces all of them; each changes in one step. Calls go where they went before when it throws.
	void SetDoors(const std::vector<DirectDoor>& doors);
	direct_tally Tally(uint32_t index) const;
	void ResetTally(uint32_t index);

      private:
	// `bytes` of a place: what a map is keyed by.
	using Place = std::vector<uint8_t>;
	struct Written {
		uint32_t networks = 0;
		std::vector<direct_network> keys;
	};
	struct Failure {
		uint64_t cookie;
		double at_ms;
		std::string why;
	};

	int map(const char* name) const;
	uint32_t Networks(const DirectDoor& door, const Written* before, Written& now);
	void Drop(const Written& written);
	std::string Enlist(uint32_t key, uint64_t cookie, uint32_t pid, int fd) const;

	std::unique_ptr<bpf_object, ObjectCloser> object_;
	UniqueFd link_;
	std::map<Place, Written> doors_;
	uint32_t next_networks_ = 1;
	// Of backends that are still asked for.
	std::mutex finding_;
	std::map<uint32_t, Failure> failures_;
};

} // namespace sidestep
