// SPDX-License-Identifier: Apache-2.0
#include "listening.h"

#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "error.h"
#include "sock_diag.h"

namespace sidestep {
namespace {

door::Address AddressOf(uint8_t family, uint16_t port, const void* bytes) {
	door::Address address;
	if (family == AF_INET) {
		auto& four = reinterpret_cast<sockaddr_in&>(address.storage);
		four.sin_port = port;
		memcpy(&four.sin_addr, bytes, sizeof(four.sin_addr));
		address.length = sizeof(four);
	} else {
		auto& six = reinterpret_cast<sockaddr_in6&>(address.storage);
		six.sin6_port = port;
		memcpy(&six.sin6_addr, bytes, sizeof(six.sin6_addr));
		address.length = sizeof(six);
	}
	address.storage.ss_family = family;
	return address;
}

ListeningSocket SocketOf(const inet_diag_msg& row, size_t bytes) {
	ListeningSocket socket{};
	socket.address = AddressOf(row.idiag_family, row.id.idiag_sport, row.id.idiag_src);
	socket.of_device = row.id.idiag_if != 0;
	socket.inode = row.idiag_inode;
	socket.cookie = row.id.idiag_cookie[0] | static_cast<uint64_t>(row.id.idiag_cookie[1]) << 32;
	int left = static_cast<int>(bytes - NLMSG_ALIGN(sizeof(row)));
	auto* attribute =
		reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(&row) + NLMSG_ALIGN(sizeof(row)));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == INET_DIAG_SKV6ONLY)
			socket.only_v6 = *static_cast<const uint8_t*>(RTA_DATA(attribute)) != 0;
	return socket;
}

} // namespace

std::vector<ListeningSocket> ListeningSockets() {
	UniqueFd netlink = OpenSockDiag();
	int err = netlink ? 0 : errno;
	std::vector<ListeningSocket> sockets;
	const SockDiagRow take = [&](const inet_diag_msg& row, size_t bytes) {
		sockets.push_back(SocketOf(row, bytes));
	};
	for (uint8_t family : { AF_INET, AF_INET6 })
		if (!err) err = ListTcp(netlink.get(), family, 1U << TCP_LISTEN, take);
	if (err) throw KernelError("kernel_refused", "list the sockets that listen", err);
	return sockets;
}

std::set<std::array<uint8_t, 16>> OwnAddresses() {
	ifaddrs* list = nullptr;
	if (getifaddrs(&list) < 0) throw KernelError("kernel_refused", "list the addresses of this host", errno);
	const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
	std::set<std::array<uint8_t, 16>> addresses;
	for (const ifaddrs* one = list; one; one = one->ifa_next) {
		if (!one->ifa_addr) continue;
		const int family = one->ifa_addr->sa_family;
		if (family != AF_INET && family != AF_INET6) continue;
		door::Address address;
		memcpy(&address.storage, one->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
		addresses.insert(address.sixteen());
	}
	return addresses;
}

} // namespace sidestep
