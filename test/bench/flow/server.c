// SPDX-License-Identifier: Apache-2.0
/* Serves any number of connections, each by its own order, until standard input ends. */
#include "flow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* What has come last stays in a ring, to be looked at when the stream has ended. */
enum { RING = 4 << 20, KEPT = 1 << 20, BATCH = 64 };

struct connection {
	int fd;
	struct order order;
	size_t have; /* bytes of the order, then of the message that is coming in */
	bool ordered;
	char *buffer;
	uint64_t total, first_ns, timed_from, timed_ns;
};

static void take_order(struct connection *c)
{
	ssize_t got = recv(c->fd, (char *)&c->order + c->have, sizeof(c->order) - c->have, 0);

	if (got <= 0)
		return;
	c->have += (size_t)got;
	if (c->have < sizeof(c->order))
		return;
	errno = 0;
	if (c->order.size < 1 || c->order.size > MAX_SIZE)
		die("a client orders messages of %u bytes", c->order.size);
	c->have = 0;
	c->ordered = true;
	c->buffer = must_alloc(c->order.shape == STREAM ? RING : c->order.size);
	if (c->order.nodelay)
		set_nodelay(c->fd);
}

static void close_connection(struct connection *c)
{
	close(c->fd);
	free(c->buffer);
	free(c);
}

static void echo(struct connection *c)
{
	ssize_t got = recv(c->fd, c->buffer + c->have, c->order.size - c->have, 0);

	if (got < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		if (errno != ECONNRESET)
			die("recv");
		got = 0;
	}
	if (got == 0) {
		close_connection(c);
		return;
	}
	c->have += (size_t)got;
	if (c->have < c->order.size)
		return;
	send_all(c->fd, c->buffer, c->order.size);
	c->have = 0;
}

static uint64_t count_wrong(const struct connection *c)
{
	uint64_t size = c->order.size, last = c->total / size, wrong = c->total % size != 0;
	uint64_t first = c->total > KEPT ? (c->total - KEPT) / size + 1 : 0;
	char message[sizeof(uint64_t)];

	for (uint64_t number = first; number < last; number++) {
		for (size_t i = 0; i < sizeof(message) && i < size; i++)
			message[i] = c->buffer[(number * size + i) % RING];
		wrong += !has_number(message, (uint32_t)size, number);
	}
	return wrong;
}

static void swallow(struct connection *c)
{
	size_t at = c->total % RING;
	size_t most = c->order.size > READ_BYTES ? c->order.size : READ_BYTES;
	ssize_t got = recv(c->fd, c->buffer + at, RING - at < most ? RING - at : most, 0);
	uint64_t now = now_ns();

	if (got < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		die("recv");
	}
	if (got == 0) {
		struct receipt receipt = {
			.bytes = c->total,
			.timed_bytes = c->total - c->timed_from,
			.timed_ns = c->timed_ns,
			.wrong = count_wrong(c),
		};

		send_all(c->fd, &receipt, sizeof(receipt));
		close_connection(c);
		return;
	}
	c->total += (uint64_t)got;
	if (!c->first_ns)
		c->first_ns = now;
	/* Bytes count from the first that come after the warm-up, and time from then to the last. */
	if (now - c->first_ns < c->order.warm_ms * 1000000ull)
		c->timed_from = c->total;
	else
		c->timed_ns = now - c->first_ns - c->order.warm_ms * 1000000ull;
}

static void greet(int epoll, int listener)
{
	struct connection *c;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	c = must_alloc(sizeof(*c));
	c->fd = fd;
	watch_fd(epoll, fd, (uint64_t)(uintptr_t)c);
}

void serve(const struct settings *s)
{
	int epoll = new_epoll(), listener = listen_at(s->address);
	struct epoll_event events[BATCH];

	pin(s->cpu);
	watch_fd(epoll, listener, 0);
	watch_fd(epoll, STDIN_FILENO, 1);
	puts("{\"listening\":true}");
	fflush(stdout);
	for (;;) {
		int ready = epoll_wait(epoll, events, BATCH, -1);

		for (int i = 0; i < ready; i++) {
			struct connection *c = (void *)(uintptr_t)events[i].data.u64;

			if (events[i].data.u64 == 0)
				greet(epoll, listener);
			else if (events[i].data.u64 == 1)
				return;
			else if (!c->ordered)
				take_order(c);
			else if (c->order.shape == STREAM)
				swallow(c);
			else
				echo(c);
		}
	}
}
