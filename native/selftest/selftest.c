// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
/*
 * The behavioural self-test: throw-away sockets in a throw-away cgroup, used as a program would use them.
 *
 *   sidestep-selftest CGROUP_PROCS_FILE unified|split
 *
 * Joins the cgroup, runs each test, prints one JSON line for each: {"test":"order","ok":true,"detail":"..."}.
 * The agent has attached its programs to that cgroup and compares the kernel's counters before and after.
 * Exit code 0 when every test ran (passed or not), 2 when it could not run at all.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 2000 };

static char detail[256];

static bool fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	return false;
}

static bool wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, WAIT_MS) == 1;
}

struct ends {
	int listener, client, server;
};

static bool open_client(struct ends *e)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int one = 1;

	e->server = -1;
	e->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	e->client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (e->listener < 0 || e->client < 0)
		return fail("socket: %s", strerror(errno));
	if (bind(e->listener, (struct sockaddr *)&address, length) || listen(e->listener, 8) ||
	    getsockname(e->listener, (struct sockaddr *)&address, &length))
		return fail("listen: %s", strerror(errno));
	if (connect(e->client, (struct sockaddr *)&address, length) && errno != EINPROGRESS)
		return fail("connect: %s", strerror(errno));
	if (!wait_for(e->client, POLLOUT))
		return fail("connect: no answer");
	setsockopt(e->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return true;
}

static bool open_server(struct ends *e)
{
	if (!wait_for(e->listener, POLLIN))
		return fail("accept: nobody came");
	e->server = accept4(e->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return e->server >= 0 || fail("accept: %s", strerror(errno));
}

static bool open_ends(struct ends *e)
{
	return open_client(e) && open_server(e);
}

static void close_ends(struct ends *e)
{
	if (e->server >= 0)
		close(e->server);
	close(e->client);
	close(e->listener);
}

static bool send_all(int fd, const char *bytes, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t sent = send(fd, bytes + done, n - done, MSG_NOSIGNAL);

		if (sent > 0)
			done += (size_t)sent;
		else if (errno != EAGAIN)
			return fail("send: %s", strerror(errno));
		else if (!wait_for(fd, POLLOUT))
			return fail("send: never writable again");
	}
	return true;
}

static bool read_exactly(int fd, char *bytes, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = recv(fd, bytes + done, n - done, 0);

		if (got > 0)
			done += (size_t)got;
		else if (got == 0)
			return fail("end of file after %zu of %zu bytes", done, n);
		else if (errno != EAGAIN)
			return fail("recv: %s", strerror(errno));
		else if (!wait_for(fd, POLLIN))
			return fail("recv: nothing more after %zu of %zu bytes", done, n);
	}
	return true;
}

/* A stream whose every byte depends on its place. */
static char pattern(size_t at)
{
	return (char)(at * 131 + (at >> 8) * 7);
}

static bool send_pattern(int fd, size_t from, size_t n)
{
	char buffer[65536];

	for (size_t i = 0; i < n; i++)
		buffer[i] = pattern(from + i);
	return send_all(fd, buffer, n);
}

static bool read_pattern(int fd, size_t from, size_t n)
{
	char buffer[65536];

	if (!read_exactly(fd, buffer, n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (buffer[i] != pattern(from + i))
			return fail("byte %zu is not the one that was sent there", from + i);
	return true;
}

static bool test_pairing(struct ends *e)
{
	for (size_t round = 0; round < 50; round++)
		if (!send_pattern(e->client, round * 64, 64) ||
		    !read_pattern(e->server, round * 64, 64) ||
		    !send_pattern(e->server, round * 64, 64) ||
		    !read_pattern(e->client, round * 64, 64))
			return false;
	return true;
}

/* Bytes sent before accept go over TCP, later ones may not; partial reads mix the two in every way. */
static bool test_order(struct ends *e)
{
	size_t sent = 0, read = 0;
	unsigned int seed = 1;

	close_ends(e);
	if (!open_client(e) || !send_pattern(e->client, 0, 1000) || !open_server(e))
		return false;
	sent = 1000;
	for (int round = 0; round < 400; round++) {
		size_t more = (size_t)rand_r(&seed) % 3000 + 1, want;

		if (!send_pattern(e->client, sent, more))
			return false;
		sent += more;
		want = (size_t)rand_r(&seed) % (sent - read) + 1;
		if (round % 3 == 0 || sent - read > 40000)
			want = sent - read;
		if (!read_pattern(e->server, read, want))
			return false;
		read += want;
	}
	return read_pattern(e->server, read, sent - read);
}

/* A reader that sleeps must stop its writer, and nothing of what was accepted may be lost. */
static bool test_back_pressure(struct ends *e)
{
	const size_t most = 64UL << 20;
	size_t sent = 0;
	char buffer[16384];

	for (;;) {
		ssize_t n;

		for (size_t i = 0; i < sizeof(buffer); i++)
			buffer[i] = pattern(sent + i);
		n = send(e->client, buffer, sizeof(buffer), MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return fail("send: %s", strerror(errno));
		sent += (size_t)n;
		if (sent >= most)
			return fail("a reader that never read was sent %zu MiB", sent >> 20);
	}
	for (size_t read = 0; read < sent;) {
		size_t n = sent - read < 65536 ? sent - read : 65536;

		if (!read_pattern(e->server, read, n))
			return false;
		read += n;
	}
	if (!wait_for(e->client, POLLOUT))
		return fail("not writable after the reader caught up");
	fail("writer stopped after %zu KiB", sent >> 10);
	return true;
}

static bool expect_unread(int fd, int want)
{
	int unread = -1;

	for (int tries = 0; tries < 100; tries++) {
		if (ioctl(fd, FIONREAD, &unread))
			return fail("FIONREAD: %s", strerror(errno));
		if (unread == want)
			return true;
		usleep(1000);
	}
	return fail("FIONREAD says %d with %d bytes waiting", unread, want);
}

/* Count and bytes must agree whichever way the bytes came. */
static bool test_fionread(struct ends *e)
{
	if (!send_pattern(e->client, 0, 64) || !read_pattern(e->server, 0, 64))
		return false;
	if (!send_pattern(e->client, 64, 1000) || !expect_unread(e->server, 1000))
		return false;
	if (!read_pattern(e->server, 64, 400) || !expect_unread(e->server, 600))
		return false;
	return read_pattern(e->server, 464, 600) && expect_unread(e->server, 0);
}

/* The same for bytes that came over TCP: those of a writer that ran ahead of its reader. */
static bool test_fionread_tcp(struct ends *e)
{
	size_t sent = 0;
	int want;

	while (sent < 600000) {
		ssize_t n;
		char buffer[4096];

		for (size_t i = 0; i < sizeof(buffer); i++)
			buffer[i] = pattern(sent + i);
		n = send(e->client, buffer, sizeof(buffer), MSG_NOSIGNAL);
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	for (size_t read = 0; read < sent;) {
		if (!wait_for(e->server, POLLIN) || ioctl(e->server, FIONREAD, &want))
			return fail("stopped with %zu of %zu bytes read", read, sent);
		if (want <= 0)
			return fail("readable, but FIONREAD says %d with %zu bytes to come", want,
				    sent - read);
		if (want > 65536)
			want = 65536;
		if (!read_pattern(e->server, read, (size_t)want))
			return false;
		read += (size_t)want;
	}
	return true;
}

/*
 * Mode split: whoever asks for the count is found out, and with its next connection, which takes TCP, the count is right.
 * The agent sees in its counters that it was refused for that.
 */
static bool test_fionread_guard(struct ends *e)
{
	int unread;

	if (!send_pattern(e->client, 0, 64) || !read_pattern(e->server, 0, 64))
		return false;
	if (ioctl(e->server, FIONREAD, &unread))
		return fail("FIONREAD: %s", strerror(errno));
	close_ends(e);
	if (!open_ends(e) || !test_fionread(e))
		return false;
	close_ends(e);
	return open_ends(e) && test_fionread_tcp(e);
}

static bool test_epoll(struct ends *e)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	bool ok = ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, e->server, &event) == 0;

	for (size_t round = 0; ok && round < 300; round++) {
		ok = send_pattern(e->client, round * 100, 100);
		if (ok && epoll_wait(ep, &event, 1, WAIT_MS) != 1)
			ok = fail("round %zu: no edge for bytes that arrived", round);
		ok = ok && read_pattern(e->server, round * 100, 100);
	}
	close(ep);
	return ok;
}

static bool expect_end(int fd)
{
	char byte;

	if (!wait_for(fd, POLLIN))
		return fail("no end of file");
	return recv(fd, &byte, 1, 0) == 0 || fail("bytes instead of end of file");
}

static bool test_half_close(struct ends *e)
{
	if (!send_pattern(e->client, 0, 64) || !read_pattern(e->server, 0, 64))
		return false;
	if (!send_pattern(e->client, 64, 50000) || shutdown(e->client, SHUT_WR))
		return false;
	if (!read_pattern(e->server, 64, 50000) || !expect_end(e->server))
		return false;
	usleep(20000);
	if (!send_pattern(e->server, 0, 30000) || shutdown(e->server, SHUT_WR))
		return false;
	return read_pattern(e->client, 0, 30000) && expect_end(e->client);
}

/* After the peer has gone a writer gets TCP's error, never EACCES. */
static bool test_peer_gone(struct ends *e)
{
	if (!send_pattern(e->client, 0, 64) || !read_pattern(e->server, 0, 64))
		return false;
	close(e->client);
	e->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (int tries = 0; tries < 200; tries++) {
		if (send(e->server, "x", 1, MSG_NOSIGNAL) < 0)
			return errno == EPIPE || errno == ECONNRESET ||
			       fail("send to a closed peer: %s", strerror(errno));
		usleep(1000);
	}
	return fail("200 sends to a closed peer succeeded");
}

static void run(const char *name, bool (*test)(struct ends *))
{
	struct ends ends;
	bool ok;

	detail[0] = '\0';
	ok = open_ends(&ends) && test(&ends);
	printf("{\"test\":\"%s\",\"ok\":%s,\"detail\":\"%s\"}\n", name, ok ? "true" : "false",
	       detail);
	fflush(stdout);
	close_ends(&ends);
}

int main(int argc, char **argv)
{
	int procs;

	if (argc != 3 || (strcmp(argv[2], "unified") && strcmp(argv[2], "split"))) {
		fprintf(stderr, "usage: sidestep-selftest CGROUP_PROCS_FILE unified|split\n");
		return 2;
	}
	procs = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (procs < 0 || write(procs, "0", 1) != 1) {
		fprintf(stderr, "sidestep-selftest: cannot join %s: %s\n", argv[1],
			strerror(errno));
		return 2;
	}
	close(procs);
	alarm(30);
	run("pairing", test_pairing);
	run("order", test_order);
	run("back_pressure", test_back_pressure);
	run("epoll", test_epoll);
	run("half_close", test_half_close);
	run("peer_gone", test_peer_gone);
	if (strcmp(argv[2], "unified") == 0) {
		run("fionread", test_fionread);
		run("fionread_tcp", test_fionread_tcp);
	} else {
		/* Last: it gives this program away. */
		run("fionread_guard", test_fionread_guard);
	}
	return 0;
}
