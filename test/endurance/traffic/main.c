// SPDX-License-Identifier: Apache-2.0
/*
 *   traffic server ADDRESS PORT
 *   traffic client ADDRESS PORT CONNECTIONS CHATS BULKS RATE OWNER SEED BRIEFS
 *
 * CONNECTIONS are open at once, CHATS of them for as long as the client runs, BULKS with much in large pieces; BRIEFS more are opened each second, and
 * closed after one turn.
 * Tells of itself in JSON lines: totals twice a second, and each connection that did not end well. A client ends when
 * its standard input has ended and its connections are over; a server when its standard input has ended.
 */
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct settings {
	struct sockaddr_storage address;
	socklen_t length;
	unsigned connections, chats, bulks;
	uint64_t rate, owner, random, briefs;
} settings = { .rate = 1ULL << 40 };

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void read_address(const char *host, const char *port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&settings.address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&settings.address;
	in_port_t number = htons((in_port_t)atoi(port));

	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = number;
		settings.length = sizeof(*v4);
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = number;
		settings.length = sizeof(*v6);
	} else {
		errno = EINVAL;
		die(host);
	}
}

static int new_socket(void)
{
	int fd = socket(settings.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static void look_at_input(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	stopping = stopping || poll(&input, 1, 0) != 0;
}

static void open_connection(enum kind kind)
{
	struct connection *c = calloc(1, sizeof(*c));

	c->fd = new_socket();
	c->client = true;
	c->kind = kind;
	c->random = next_random(&settings.random);
	fill_hello(&c->hello, &settings.random, settings.owner, kind);
	if (connect(c->fd, (struct sockaddr *)&settings.address, settings.length) < 0 &&
	    errno != EINPROGRESS) {
		int error = errno;

		c->opened_ns = now_ns();
		trouble(c, "connect", error);
		close(c->fd);
		free(c);
		retry_ns = now_ns() + 50 * MS;
		return;
	}
	watch(c);
}

static bool client_turn(void)
{
	static uint64_t began, briefs;

	look_at_input();
	if (stopping)
		return live > 0;
	if (!began)
		began = now_ns();
	if (now_ns() <= retry_ns)
		return true;
	for (int more = 0; more < 4 && live - live_of[BRIEFLY] < settings.connections; more++)
		open_connection(live_of[LONG] < settings.chats   ? LONG
				: live_of[BULK] < settings.bulks ? BULK
								 : ANY);
	for (int more = 0; more < 16 && live < MOST_LIVE; more++) {
		if (briefs >= (now_ns() - began) / MS * settings.briefs / 1000)
			break;
		briefs++;
		open_connection(BRIEFLY);
	}
	return true;
}

static bool server_turn(void)
{
	look_at_input();
	return !stopping;
}

static int listen_at(void)
{
	int fd = new_socket(), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&settings.address, settings.length) < 0 ||
	    listen(fd, 1024) < 0)
		die("listen");
	return fd;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 4096, 4096 };
	bool serves = argc == 4 && strcmp(argv[1], "server") == 0;

	if (!serves && (argc != 11 || strcmp(argv[1], "client") != 0)) {
		fprintf(stderr, "usage: traffic server ADDRESS PORT | traffic client ADDRESS PORT "
				"CONNECTIONS CHATS BULKS RATE OWNER SEED BRIEFS\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_NOFILE, &files);
	make_pattern();
	read_address(argv[2], argv[3]);
	if (serves) {
		int listener = listen_at();

		printf("{\"event\":\"listening\"}\n");
		fflush(stdout);
		run(listener, settings.rate, server_turn);
		return 0;
	}
	settings.connections = (unsigned)atoi(argv[4]);
	settings.chats = (unsigned)atoi(argv[5]);
	settings.bulks = (unsigned)atoi(argv[6]);
	settings.rate = strtoull(argv[7], NULL, 10);
	settings.owner = strtoull(argv[8], NULL, 10);
	settings.random = strtoull(argv[9], NULL, 10);
	settings.briefs = strtoull(argv[10], NULL, 10);
	run(-1, settings.rate, client_turn);
	return 0;
}
