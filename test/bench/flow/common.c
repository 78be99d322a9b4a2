// SPDX-License-Identifier: Apache-2.0
/* Sockets, time and payload. */
#include "flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	fputs("flow: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, error ? ": %s\n" : "\n", strerror(error));
	exit(1);
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("cannot run on CPU %d", cpu);
}

void *must_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		die("no memory");
	return memory;
}

static socklen_t parse(const char *text, struct sockaddr_storage *into)
{
	struct sockaddr_in *in = (void *)into;
	struct sockaddr_un *un = (void *)into;
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN] = "";

	memset(into, 0, sizeof(*into));
	if (!strncmp(text, "unix:", 5)) {
		un->sun_family = AF_UNIX;
		strncpy(un->sun_path, text + 5, sizeof(un->sun_path) - 1);
		return sizeof(*un);
	}
	errno = 0;
	if (!colon || (size_t)(colon - text) >= sizeof(host))
		die("%s is no address such as 127.0.0.1:80 or unix:/path", text);
	memcpy(host, text, (size_t)(colon - text));
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		die("%s is no IPv4 address", host);
	return sizeof(*in);
}

int listen_at(const char *address)
{
	struct sockaddr_storage at;
	socklen_t length = parse(address, &at);
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (void *)&at, length) || listen(fd, 4096))
		die("cannot listen at %s", address);
	return fd;
}

void set_nodelay(int fd)
{
	int one = 1, family;
	socklen_t length = sizeof(family);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length))
		die("SO_DOMAIN");
	if (family != AF_UNIX && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("TCP_NODELAY");
}

static void wait_until(int fd, short events)
{
	struct pollfd wanted = { .fd = fd, .events = events };
	int ready;

	do
		ready = poll(&wanted, 1, WAIT_MS);
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		die("poll");
	errno = 0;
	if (ready == 0)
		die("nothing happened for %d ms", WAIT_MS);
}

int connect_to(const char *address, const char *local, bool nodelay)
{
	struct sockaddr_storage to, from;
	socklen_t length = parse(address, &to), size = sizeof(int);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
	char any[INET_ADDRSTRLEN + 2];

	if (fd < 0)
		die("socket");
	if (local) {
		snprintf(any, sizeof(any), "%.15s:0", local);
		if (bind(fd, (void *)&from, parse(any, &from)))
			die("cannot come from %s", local);
	}
	if (nodelay)
		set_nodelay(fd);
	if (connect(fd, (void *)&to, length)) {
		if (errno != EINPROGRESS)
			die("connect to %s", address);
		wait_until(fd, POLLOUT);
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size))
			die("SO_ERROR");
		errno = error;
		if (error)
			die("connect to %s", address);
	}
	return fd;
}

int new_epoll(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0)
		die("epoll_create1");
	return epoll;
}

void watch_fd(int epoll, int fd, uint64_t cookie)
{
	struct epoll_event interest = { .events = EPOLLIN, .data.u64 = cookie };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest))
		die("epoll_ctl");
}

void send_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

		if (sent >= 0) {
			at += sent;
			size -= (size_t)sent;
		} else if (errno == EAGAIN) {
			wait_until(fd, POLLOUT);
		} else if (errno != EINTR) {
			die("send");
		}
	}
}

bool receive_all(int fd, void *into, size_t size)
{
	char *at = into;
	size_t got = 0;

	while (got < size) {
		ssize_t part = recv(fd, at + got, size - got, 0);

		if (part > 0) {
			got += (size_t)part;
			continue;
		}
		if (part == 0 && got == 0)
			return false;
		if (part == 0) {
			errno = 0;
			die("the peer closed in the middle of a message");
		}
		if (errno == EAGAIN)
			wait_until(fd, POLLIN);
		else if (errno != EINTR)
			die("recv");
	}
	return true;
}

/* What does not fit is cut: messages smaller than the number carry its low bytes. */
void number_message(char *message, uint32_t size, uint64_t number)
{
	memcpy(message, &number, size < sizeof(number) ? size : sizeof(number));
}

bool has_number(const char *message, uint32_t size, uint64_t number)
{
	return !memcmp(message, &number, size < sizeof(number) ? size : sizeof(number));
}

void fill(char *data, size_t size, uint64_t round)
{
	uint64_t state = round * 0x9e3779b97f4a7c15u + 1;

	for (size_t i = 0; i < size; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		data[i] = (char)(state >> 56);
	}
}
