// SPDX-License-Identifier: Apache-2.0
#include "reuseport_probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "error.h"
#include "unique_fd.h"

namespace sidestep {
namespace {

constexpr int kClients = 4;
constexpr int kPatienceMs = 200;

[[noreturn]] void Fail(const char* what) { throw KernelError("kernel_refused", what, errno); }

sockaddr_in Loopback(uint16_t port) {
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons(port);
	return address;
}

UniqueFd NewSocket(int flags = 0) {
	UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
	if (!fd) Fail("make a socket");
	return fd;
}

UniqueFd Listen(uint16_t& port) {
	UniqueFd fd = NewSocket(SOCK_NONBLOCK);
	int one = 1;
	sockaddr_in address = Loopback(port);
	socklen_t length = sizeof(address);
	if (setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0 ||
	    bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) < 0 || listen(fd.get(), 64) < 0 ||
	    getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) < 0)
		Fail("listen");
	port = ntohs(address.sin_port);
	return fd;
}

void LoopbackUp() {
	ifreq request{};
	strcpy(request.ifr_name, "lo");
	request.ifr_flags = IFF_UP;
	UniqueFd fd = NewSocket();
	if (ioctl(fd.get(), SIOCSIFFLAGS, &request) < 0) Fail("switch loopback on");
}

void MigrationOn() {
	UniqueFd fd(open("/proc/sys/net/ipv4/tcp_migrate_req", O_WRONLY | O_CLOEXEC));
	if (!fd || write(fd.get(), "1", 1) != 1) Fail("switch tcp_migrate_req on");
}

MigrationProbe Try() {
	if (unshare(CLONE_NEWNET) < 0) Fail("make a network namespace");
	LoopbackUp();
	MigrationOn();
	uint16_t port = 0;
	UniqueFd closing = Listen(port);
	std::vector<UniqueFd> clients;
	for (int i = 0; i < kClients; i++) {
		clients.push_back(NewSocket());
		sockaddr_in address = Loopback(port);
		if (connect(clients.back().get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0)
			Fail("connect");
	}
	UniqueFd staying = Listen(port), poll(epoll_create1(EPOLL_CLOEXEC));
	epoll_event event{};
	event.events = EPOLLIN | EPOLLET;
	if (epoll_ctl(poll.get(), EPOLL_CTL_ADD, staying.get(), &event) < 0) Fail("watch a listener");
	closing.reset();
	bool woken = epoll_wait(poll.get(), &event, 1, kPatienceMs) == 1;
	int accepted = 0;
	while (UniqueFd(accept(staying.get(), nullptr, nullptr)))
		accepted++;
	MigrationProbe probe;
	probe.migrates = accepted == kClients ? "yes" : "no";
	probe.wakes = accepted == 0 ? "unknown" : woken ? "yes" : "no";
	probe.detail = std::to_string(accepted) + " of " + std::to_string(kClients) + " moved";
	return probe;
}

} // namespace

MigrationProbe ProbeMigration() {
	MigrationProbe probe{ "unknown", "unknown", "" };
	std::thread([&] {
		try {
			probe = Try();
		} catch (const KernelError& error) {
			probe.detail = error.what();
		}
	}).join();
	return probe;
}

} // namespace sidestep
