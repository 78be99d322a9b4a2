// SPDX-License-Identifier: Apache-2.0
/*
 * What connect() costs: connections from one thread to itself, one after the other, each timed. The listener is opened
 * at one address and the client asks for another, which may be the same.
 *
 *   connect <listen address> <port> <asked address> <port> <count> [listeners]
 *
 * One line of JSON: nanoseconds of connect() as p50 and p99, from its begin to the end of accept() as acceptP50, and
 * connections (connect, accept, close) per second. With `listeners`, that many share the port; a line {"ready": true} says
 * that they are there, a line on standard input begins, and another one ends the program.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct sockaddr_in address(const char *host, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
		errx(2, "%s is no IPv4 address", host);
	return a;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

#define MOST 256

static int epoll, listeners[MOST], shared;

static void open_listeners(struct sockaddr_in at, int count)
{
	int one = 1;

	epoll = epoll_create1(0);
	for (int i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = socket(AF_INET, SOCK_STREAM, 0) };

		listeners[i] = event.data.fd;
		setsockopt(listeners[i], SOL_SOCKET, shared ? SO_REUSEPORT : SO_REUSEADDR, &one, sizeof(one));
		if (bind(listeners[i], (struct sockaddr *)&at, sizeof(at)) || listen(listeners[i], 16) ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, listeners[i], &event))
			err(1, "listen");
	}
}

static void await_line(void)
{
	int c;

	fflush(stdout);
	while ((c = getchar()) != '\n' && c != EOF)
		;
}

/* The one that it came to. */
static int take(void)
{
	struct epoll_event event = { .data.fd = listeners[0] };
	int server;

	if (shared && epoll_wait(epoll, &event, 1, 1000) != 1)
		errx(1, "a connection came to nobody");
	server = accept(event.data.fd, NULL, NULL);
	if (server < 0)
		err(1, "accept");
	return server;
}

int main(int argc, char **argv)
{
	struct linger reset = { .l_onoff = 1 }; /* no port waits in TIME_WAIT */
	struct sockaddr_in there;
	uint64_t *took, *arrived, began;
	int count;
	cpu_set_t cpu;

	if (argc != 6 && argc != 7)
		errx(2, "usage: connect <listen address> <port> <asked address> <port> <count> [listeners]");
	count = atoi(argv[5]);
	shared = argc == 7 ? atoi(argv[6]) : 0;
	if (count < 1 || shared < 0 || shared > MOST)
		errx(2, "the counts must be from 1, and to %d listeners", MOST);
	there = address(argv[3], argv[4]);
	/* Which of them does not matter; that it is one does. */
	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	took = calloc(count, sizeof(*took));
	arrived = calloc(count, sizeof(*arrived));
	if (!took || !arrived)
		err(1, "memory");
	open_listeners(address(argv[1], argv[2]), shared ? shared : 1);
	if (shared) {
		puts("{\"ready\": true}");
		await_line();
	}
	began = now();
	for (int i = 0; i < count; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0), server;
		uint64_t start = now();

		if (connect(client, (struct sockaddr *)&there, sizeof(there)))
			err(1, "connect");
		took[i] = now() - start;
		server = take();
		arrived[i] = now() - start;
		setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(client);
		close(server);
	}
	began = now() - began;
	qsort(took, count, sizeof(*took), ascending);
	qsort(arrived, count, sizeof(*arrived), ascending);
	printf("{\"p50\": %ju, \"p99\": %ju, \"acceptP50\": %ju, \"perSecond\": %.0f}\n", (uintmax_t)took[count / 2],
	       (uintmax_t)took[(int64_t)count * 99 / 100], (uintmax_t)arrived[count / 2], count / (began / 1e9));
	if (shared)
		await_line();
	return 0;
}
