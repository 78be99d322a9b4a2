// SPDX-License-Identifier: Apache-2.0
/* The event loop: accepts, moves what is ready, keeps to the rate, tells how far it got, and finds what hangs. */
#include "traffic.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REPORT_NS (500 * MS)
#define TICK_MS 2

static struct connection *connections;
unsigned live, live_of[KIND_COUNT];
static int epoll = -1;

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void watch(struct connection *c)
{
	struct epoll_event event = { .events = wanted_events(c), .data.ptr = c };
	int on = 1;

	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->opened_ns = c->moved_ns = now_ns();
	c->events = event.events;
	c->next = connections;
	connections = c;
	live++;
	live_of[c->kind]++;
	totals.opened++;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		trouble(c, "error", errno);
}

static void accept_all(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = calloc(1, sizeof(*c));

		c->fd = fd;
		c->connected = true;
		c->random = (uint64_t)fd + now_ns();
		watch(c);
	}
}

/* A reader may be slow, and the machine busy: as long as it takes anything, nothing hangs. */
static bool hangs(struct connection *c)
{
	int unsent = 0;

	if (now_ns() - c->moved_ns <= HUNG_NS)
		return false;
	ioctl(c->fd, TIOCOUTQ, &unsent);
	if (unsent == c->unsent)
		return true;
	c->unsent = unsent;
	c->moved_ns = now_ns();
	return false;
}

/* Once more round everything: pauses that are over, what hangs, what has ended. */
static void sweep(void)
{
	struct connection **at = &connections, *c;

	while ((c = *at)) {
		if (stopping && c->kind == LONG && !c->over)
			move(c);
		if (!c->over && hangs(c))
			trouble(c, "hang", 0);
		if (c->over) {
			*at = c->next;
			live_of[c->kind]--;
			close(c->fd);
			free(c);
			live--;
			continue;
		}
		if (wanted_events(c) != c->events) {
			struct epoll_event event = { .events = wanted_events(c), .data.ptr = c };

			c->events = event.events;
			epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
		}
		at = &c->next;
	}
}

static void tell(void)
{
	printf("{\"event\":\"totals\",\"bytes\":%" PRIu64 ",\"opened\":%" PRIu64
	       ",\"live\":%u,\"done\":{",
	       totals.bytes, totals.opened, live);
	for (int shape = 0; shape < SHAPE_COUNT; shape++)
		printf("%s\"%s\":%" PRIu64, shape ? "," : "", shape_names[shape],
		       totals.done[shape]);
	printf("}}\n");
	fflush(stdout);
}

static int error_of(struct connection *c)
{
	int error = 0;
	socklen_t length = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return error;
}

static bool ready(struct connection *c)
{
	int error;

	if (c->connected)
		return true;
	error = error_of(c);
	if (error) {
		trouble(c, "connect", error);
		retry_ns = now_ns() + 50 * MS;
	}
	c->connected = !error;
	return c->connected;
}

/* `rate`: bytes per second that are read at most, so that whoever is under test has a core left. */
static void keep_to(uint64_t rate)
{
	static uint64_t window_ns, bytes_then;
	uint64_t now = now_ns(), passed = now - window_ns, due;

	if (passed > 100 * MS) {
		window_ns = now;
		bytes_then = totals.bytes;
		return;
	}
	due = (totals.bytes - bytes_then) * 1000 / (rate / 1000000 + 1);
	if (due > passed)
		usleep((useconds_t)((due - passed) / 1000 + 1));
}

void run(int listener, uint64_t rate, bool (*each_turn)(void))
{
	struct epoll_event events[64], own = { .events = EPOLLIN };
	uint64_t told = now_ns();

	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (listener >= 0)
		epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &own);
	while (each_turn()) {
		int n = epoll_wait(epoll, events, 64, TICK_MS);

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (!c)
				accept_all(listener);
			else if (!c->over && ready(c))
				move(c);
			/* One that has neither to read nor to write would not notice. */
			if (c && !c->over && events[i].events & EPOLLERR)
				trouble(c, "error", error_of(c));
		}
		sweep();
		if (now_ns() - told > REPORT_NS) {
			told = now_ns();
			tell();
		}
		keep_to(rate);
	}
	tell();
}
