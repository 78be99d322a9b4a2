// SPDX-License-Identifier: Apache-2.0
#include "resets.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "sock_diag.h"

namespace sidestep {
namespace {

constexpr uint32_t kConnected = 1U << TCP_ESTABLISHED | 1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2 |
				1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK | 1U << TCP_CLOSING;

int Destroy(int netlink, const inet_diag_msg& socket) {
	inet_diag_req_v2 one{};
	one.sdiag_family = socket.idiag_family;
	one.sdiag_protocol = IPPROTO_TCP;
	one.idiag_states = kConnected;
	one.id = socket.id;
	int err = AskSockDiag(netlink, SOCK_DESTROY, NLM_F_ACK, one, [](const inet_diag_msg&, size_t) {});
	return err == ENOENT || err == ESTALE ? 0 : err;
}

} // namespace

int ResetSockets(const std::set<uint64_t>& inodes) {
	UniqueFd netlink = OpenSockDiag();
	if (!netlink) return errno;
	std::vector<inet_diag_msg> found;
	for (uint8_t family : { AF_INET, AF_INET6 }) {
		const int err = ListTcp(netlink.get(), family, kConnected, [&](const inet_diag_msg& socket, size_t) {
			if (inodes.count(socket.idiag_inode)) found.push_back(socket);
		});
		if (err) return err;
	}
	for (const inet_diag_msg& socket : found) {
		if (int err = Destroy(netlink.get(), socket)) return err;
	}
	return 0;
}

} // namespace sidestep
