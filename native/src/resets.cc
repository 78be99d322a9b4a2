// SPDX-License-Identifier: Apache-2.0
#include "resets.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <vector>

#include "unique_fd.h"

namespace sidestep {
namespace {

constexpr uint32_t kConnected = 1U << TCP_ESTABLISHED | 1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2 |
				1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK | 1U << TCP_CLOSING;

struct Request {
	nlmsghdr header;
	inet_diag_req_v2 body;
};

bool Send(int netlink, uint16_t type, uint16_t flags, const inet_diag_req_v2& body) {
	Request request{};
	request.header.nlmsg_len = sizeof(request);
	request.header.nlmsg_type = type;
	request.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
	request.body = body;
	return send(netlink, &request, sizeof(request), 0) == sizeof(request);
}

// Calls `row` with each answer until the kernel says that it is done. Returns the errno that it says, or ours.
int Receive(int netlink, const std::function<void(const inet_diag_msg&)>& row) {
	alignas(nlmsghdr) char buffer[32768];
	for (;;) {
		ssize_t got = recv(netlink, buffer, sizeof(buffer), 0);
		if (got < 0 && errno == EINTR) continue;
		if (got <= 0) return got < 0 ? errno : EPIPE;
		auto left = static_cast<uint32_t>(got);
		for (auto* at = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
			if (at->nlmsg_type == NLMSG_DONE) return 0;
			if (at->nlmsg_type == NLMSG_ERROR) return -static_cast<nlmsgerr*>(NLMSG_DATA(at))->error;
			row(*static_cast<inet_diag_msg*>(NLMSG_DATA(at)));
		}
	}
}

int Find(int netlink, uint8_t family, const std::set<uint64_t>& inodes, std::vector<inet_diag_msg>& found) {
	inet_diag_req_v2 all{};
	all.sdiag_family = family;
	all.sdiag_protocol = IPPROTO_TCP;
	all.idiag_states = kConnected;
	if (!Send(netlink, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, all)) return errno;
	return Receive(netlink, [&](const inet_diag_msg& socket) {
		if (inodes.count(socket.idiag_inode)) found.push_back(socket);
	});
}

int Destroy(int netlink, const inet_diag_msg& socket) {
	inet_diag_req_v2 one{};
	one.sdiag_family = socket.idiag_family;
	one.sdiag_protocol = IPPROTO_TCP;
	one.idiag_states = kConnected;
	one.id = socket.id;
	if (!Send(netlink, SOCK_DESTROY, NLM_F_ACK, one)) return errno;
	int err = Receive(netlink, [](const inet_diag_msg&) {});
	return err == ENOENT || err == ESTALE ? 0 : err;
}

} // namespace

int ResetSockets(const std::set<uint64_t>& inodes) {
	UniqueFd netlink(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
	if (!netlink) return errno;
	std::vector<inet_diag_msg> found;
	for (uint8_t family : { AF_INET, AF_INET6 }) {
		if (int err = Find(netlink.get(), family, inodes, found)) return err;
	}
	for (const inet_diag_msg& socket : found) {
		if (int err = Destroy(netlink.get(), socket)) return err;
	}
	return 0;
}

} // namespace sidestep
