// SPDX-License-Identifier: Apache-2.0
#include "direct.h"

#include <bpf/bpf.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <set>

#include "borrow.h"
#include "error.h"
#include "layout_check.h"
#include "listening.h"
#include "maps.h"
#include "objects.h"
#include "reuseport_walk.h"

namespace sidestep {
namespace {

#define FIELD(type, name) { #type, #name, offsetof(struct type, name) }
constexpr LayoutField kFields[] = {
	FIELD(direct_place, address),   FIELD(direct_place, port),       FIELD(direct_slot, socket),
	FIELD(direct_slot, until),      FIELD(direct_door, tally),       FIELD(direct_door, networks),
	FIELD(direct_door, allows),     FIELD(direct_door, count),       FIELD(direct_door, slots),
	FIELD(direct_network, bits),    FIELD(direct_network, networks), FIELD(direct_network, list),
	FIELD(direct_network, address), FIELD(direct_tally, given),      FIELD(direct_tally, left),
};
#undef FIELD
#define SIZE(type) { #type, "", sizeof(struct type) }
constexpr LayoutField kSizes[] = { SIZE(direct_place), SIZE(direct_door), SIZE(direct_network), SIZE(direct_tally) };
#undef SIZE

constexpr const char* kProgram = "sidestep_direct";
// How long what failed with a socket is not tried again: to find who holds it is a walk through /proc.
constexpr double kRestMs = 10'000;

direct_address Wire(const std::array<uint8_t, 16>& bytes) {
	direct_address address;
	memcpy(&address, bytes.data(), sizeof(address));
	return address;
}

direct_place PlaceOf(const door::Address& address) { return { Wire(address.sixteen()), address.port() }; }

direct_network KeyOf(uint32_t networks, uint32_t list, const door::Network& network) {
	return { DIRECT_NETWORK_BITS + network.prefix, networks, list, Wire(network.address) };
}

bool IsWildcard(const door::Address& address) {
	const auto bytes = address.sixteen();
	const size_t first = address.family() == AF_INET ? 12 : 0;
	return std::all_of(bytes.begin() + first, bytes.end(), [](uint8_t byte) { return byte == 0; });
}

bool IsLoopback(const door::Address& address) {
	return address.family() == AF_INET && ntohl(address.v4().sin_addr.s_addr) >> 24 == 127;
}

// Where a connection to this address would arrive in this namespace: a socket of just this address before one of all.
class Listeners {
      public:
	std::vector<const ListeningSocket*> At(const door::Address& address) const {
		std::vector<const ListeningSocket*> exact, any;
		for (const ListeningSocket& socket : sockets_) {
			if (socket.address.port() != address.port() || socket.of_device) continue;
			if (socket.address.sixteen() == address.sixteen())
				exact.push_back(&socket);
			else if (IsWildcard(socket.address) && Serves(socket, address.family()))
				any.push_back(&socket);
		}
		if (!exact.empty()) return exact;
		return IsLoopback(address) || own_.count(address.sixteen()) ? any
									    : std::vector<const ListeningSocket*>{};
	}

	std::vector<door::Address> OneAddressOnly(const std::set<uint16_t>& ports) const {
		std::vector<door::Address> found;
		for (const ListeningSocket& socket : sockets_)
			if (ports.count(socket.address.port()) && !IsWildcard(socket.address))
				found.push_back(socket.address);
		return found;
	}

      private:
	static bool Serves(const ListeningSocket& socket, int family) {
		const int own = socket.address.family();
		return own == family || (own == AF_INET6 && !socket.only_v6);
	}

	std::vector<ListeningSocket> sockets_ = ListeningSockets();
	std::set<std::array<uint8_t, 16>> own_ = OwnAddresses();
};

} // namespace

Direct::Direct(const std::string& object_path, bool verifier_log) {
	StartCollecting();
	object_.reset(bpf_object__open_file(object_path.c_str(), nullptr));
	if (!object_) throw KernelError("load_failed", "open " + object_path, errno, Collected());
	CheckFields(bpf_object__btf(object_.get()), kSizes, kFields);
	bpf_program* program = bpf_object__find_program_by_name(object_.get(), kProgram);
	if (!program) throw KernelError("load_failed", std::string("find program ") + kProgram, ENOENT);
	if (verifier_log) bpf_program__set_log_level(program, 1);
	if (bpf_object__load(object_.get()) < 0) {
		const int err = errno;
		throw KernelError("load_failed", "load the program of direct calls", err, Collected());
	}
	UniqueFd own(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
	if (!own) throw KernelError("kernel_refused", "open the own network namespace", errno);
	link_.reset(bpf_link_create(bpf_program__fd(program), own.get(), BPF_SK_LOOKUP, nullptr));
	if (!link_)
		throw KernelError("attach_failed", std::string("attach ") + kProgram + " to the network namespace",
				  errno);
}

int Direct::map(const char* name) const {
	const int fd = bpf_object__find_map_fd_by_name(object_.get(), name);
	if (fd < 0) throw KernelError("load_failed", std::string("find map ") + name, -fd);
	return fd;
}

std::string Direct::Enlist(uint32_t key, uint64_t cookie, uint32_t pid, int fd) const {
	try {
		UniqueFd socket = BorrowSocket(pid, fd, cookie);
		const auto value = static_cast<uint64_t>(socket.get());
		if (bpf_map_update_elem(map("direct_sockets"), &key, &value, BPF_ANY) == 0) return "";
		const int err = errno;
		if (err == EBUSY)
			return "its socket is in the map of another program, or among those that reuseport balances";
		return "the kernel does not take its socket: " + ErrnoWords(err);
	} catch (const KernelError& error) {
		return error.code == "listener_gone" ? "its socket has just been closed" : error.what();
	}
}

DirectFound Direct::Find(const std::vector<DirectBackend>& backends, const std::set<uint16_t>& ports) {
	const std::lock_guard<std::mutex> one(finding_);
	const Listeners listeners;
	DirectFound result{ std::vector<std::string>(backends.size()), listeners.OneAddressOnly(ports) };
	std::vector<std::string>& why = result.why;
	std::vector<std::pair<size_t, const ListeningSocket*>> missing;
	std::set<uint64_t> inodes;
	for (size_t i = 0; i < backends.size(); i++) {
		const uint32_t key = backends[i].key;
		const auto found = listeners.At(backends[i].address);
		uint64_t cookie = 0;
		if (bpf_map_lookup_elem(map("direct_sockets"), &key, &cookie) < 0) cookie = 0;
		if (std::any_of(found.begin(), found.end(),
				[&](const ListeningSocket* socket) { return socket->cookie == cookie; }))
			continue;
		if (cookie) bpf_map_delete_elem(map("direct_sockets"), &key);
		if (found.empty()) {
			why[i] = "nobody listens there in the network namespace of the front door";
			failures_.erase(key);
			continue;
		}
		const auto failure = failures_.find(key);
		if (failure != failures_.end() && failure->second.cookie == found[0]->cookie &&
		    NowMs() - failure->second.at_ms < kRestMs) {
			why[i] = failure->second.why;
			continue;
		}
		missing.emplace_back(i, found[0]);
		inodes.insert(found[0]->inode);
	}
	if (missing.empty()) return result;
	const std::map<uint64_t, Holder> holders = FindHolders(inodes);
	for (const auto& [i, socket] : missing) {
		const uint32_t key = backends[i].key;
		const auto holder = holders.find(socket->inode);
		why[i] = holder == holders.end() ? "no process that holds its socket is in sight"
						 : Enlist(key, socket->cookie, holder->second.pid, holder->second.fd);
		if (why[i].empty())
			failures_.erase(key);
		else
			failures_[key] = { socket->cookie, NowMs(), why[i] };
	}
	return result;
}

void Direct::Forget(uint32_t key) {
	const std::lock_guard<std::mutex> one(finding_);
	failures_.erase(key);
	bpf_map_delete_elem(map("direct_sockets"), &key);
}

// Under a number of their own, so that no call meets half of a list.
uint32_t Direct::Networks(const DirectDoor& door, const Written* before, Written& now) {
	if (door.allow.empty() && door.deny.empty()) return 0;
	const auto keys = [&](uint32_t number) {
		std::vector<direct_network> all;
		for (const door::Network& network : door.allow)
			all.push_back(KeyOf(number, LIST_ALLOW, network));
		for (const door::Network& network : door.deny)
			all.push_back(KeyOf(number, LIST_DENY, network));
		return all;
	};
	if (before && before->networks) {
		now = { before->networks, keys(before->networks) };
		if (now.keys.size() == before->keys.size() &&
		    memcmp(now.keys.data(), before->keys.data(), now.keys.size() * sizeof(direct_network)) == 0)
			return now.networks;
	}
	const uint32_t number = next_networks_++;
	now = { number, keys(number) };
	const uint32_t yes = 1;
	for (const direct_network& key : now.keys)
		if (bpf_map_update_elem(map("direct_networks"), &key, &yes, BPF_ANY) < 0) {
			const int err = errno;
			Drop(now);
			throw KernelError("kernel_refused", "write who may call", err);
		}
	return number;
}

void Direct::Drop(const Written& written) {
	for (const direct_network& key : written.keys)
		bpf_map_delete_elem(map("direct_networks"), &key);
}

void Direct::SetDoors(const std::vector<DirectDoor>& doors) {
	std::set<Place> kept;
	for (const DirectDoor& door : doors) {
		const direct_place place = PlaceOf(door.address);
		const auto* bytes = reinterpret_cast<const uint8_t*>(&place);
		const Place name(bytes, bytes + sizeof(place));
		const auto known = doors_.find(name);
		Written now;
		direct_door row{};
		row.tally = door.tally;
		row.networks = Networks(door, known == doors_.end() ? nullptr : &known->second, now);
		row.allows = !door.allow.empty();
		uint32_t sum = 0;
		for (const auto& [socket, weight] : door.slots) {
			if (row.count == DIRECT_SLOTS) break;
			row.slots[row.count++] = { socket, sum += weight };
		}
		if (bpf_map_update_elem(map("direct_doors"), &place, &row, BPF_ANY) < 0)
			throw KernelError("kernel_refused", "write a front door", errno);
		if (known != doors_.end() && known->second.networks != now.networks) Drop(known->second);
		doors_[name] = std::move(now);
		kept.insert(name);
	}
	for (auto entry = doors_.begin(); entry != doors_.end();) {
		if (kept.count(entry->first)) {
			++entry;
			continue;
		}
		bpf_map_delete_elem(map("direct_doors"), entry->first.data());
		Drop(entry->second);
		entry = doors_.erase(entry);
	}
}

direct_tally Direct::Tally(uint32_t index) const {
	return SumOverCpus<direct_tally>(map("direct_tallies"), index, "read the tally of a front door");
}

void Direct::ResetTally(uint32_t index) {
	const std::vector<direct_tally> none(static_cast<size_t>(libbpf_num_possible_cpus()));
	if (bpf_map_update_elem(map("direct_tallies"), &index, none.data(), BPF_ANY) < 0)
		throw KernelError("kernel_refused", "reset the tally of a front door", errno);
}

} // namespace sidestep
