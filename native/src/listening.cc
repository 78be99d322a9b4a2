// SPDX-License-Identifier: Apache-2.0
#include "listening.h"

#include <ifaddrs.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "error.h"
#include "frontdoor/address.h"
#include "unique_fd.h"

namespace sidestep {
namespace {

[[noreturn]] void Failed(int err) { throw KernelError("kernel_refused", "list the sockets that listen", err); }

ListeningSocket SocketOf(const inet_diag_msg& row, size_t bytes) {
	ListeningSocket socket{};
	socket.family = row.idiag_family;
	if (row.idiag_family == AF_INET) {
		socket.address = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
		memcpy(&socket.address[12], row.id.idiag_src, 4);
	} else {
		memcpy(socket.address.data(), row.id.idiag_src, 16);
	}
	socket.port = ntohs(row.id.idiag_sport);
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

void ListFamily(int netlink, uint8_t family, std::vector<ListeningSocket>& into) {
	struct {
		nlmsghdr header;
		inet_diag_req_v2 request;
	} message{};
	message.header.nlmsg_len = sizeof(message);
	message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message.request.sdiag_family = family;
	message.request.sdiag_protocol = IPPROTO_TCP;
	message.request.idiag_states = 1U << TCP_LISTEN;
	if (send(netlink, &message, sizeof(message), 0) < 0) Failed(errno);
	alignas(nlmsghdr) char buffer[32768];
	for (;;) {
		ssize_t n = recv(netlink, buffer, sizeof(buffer), 0);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) Failed(n < 0 ? errno : EPIPE);
		auto left = static_cast<uint32_t>(n);
		for (auto* header = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(header, left);
		     header = NLMSG_NEXT(header, left)) {
			if (header->nlmsg_type == NLMSG_DONE) return;
			if (header->nlmsg_type == NLMSG_ERROR)
				Failed(-static_cast<nlmsgerr*>(NLMSG_DATA(header))->error);
			into.push_back(SocketOf(*static_cast<inet_diag_msg*>(NLMSG_DATA(header)),
						header->nlmsg_len - NLMSG_HDRLEN));
		}
	}
}

} // namespace

std::vector<ListeningSocket> ListeningSockets() {
	UniqueFd netlink(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
	if (!netlink) Failed(errno);
	std::vector<ListeningSocket> sockets;
	ListFamily(netlink.get(), AF_INET, sockets);
	ListFamily(netlink.get(), AF_INET6, sockets);
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
