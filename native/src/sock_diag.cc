// SPDX-License-Identifier: Apache-2.0
#include "sock_diag.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace sidestep {

UniqueFd OpenSockDiag() { return UniqueFd(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)); }

int AskSockDiag(int netlink, uint16_t type, uint16_t flags, const inet_diag_req_v2& what, const SockDiagRow& row) {
	struct {
		nlmsghdr header;
		inet_diag_req_v2 body;
	} request{};
	request.header.nlmsg_len = sizeof(request);
	request.header.nlmsg_type = type;
	request.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
	request.body = what;
	if (send(netlink, &request, sizeof(request), 0) != sizeof(request)) return errno;
	alignas(nlmsghdr) char buffer[32768];
	for (;;) {
		ssize_t got = recv(netlink, buffer, sizeof(buffer), 0);
		if (got < 0 && errno == EINTR) continue;
		if (got <= 0) return got < 0 ? errno : EPIPE;
		auto left = static_cast<uint32_t>(got);
		for (auto* at = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
			if (at->nlmsg_type == NLMSG_DONE) return 0;
			if (at->nlmsg_type == NLMSG_ERROR) return -static_cast<nlmsgerr*>(NLMSG_DATA(at))->error;
			row(*static_cast<inet_diag_msg*>(NLMSG_DATA(at)), at->nlmsg_len - NLMSG_HDRLEN);
		}
	}
}

int ListTcp(int netlink, uint8_t family, uint32_t states, const SockDiagRow& row) {
	inet_diag_req_v2 all{};
	all.sdiag_family = family;
	all.sdiag_protocol = IPPROTO_TCP;
	all.idiag_states = states;
	return AskSockDiag(netlink, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, all, row);
}

} // namespace sidestep
