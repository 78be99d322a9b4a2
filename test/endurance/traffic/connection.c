// SPDX-License-Identifier: Apache-2.0
/* One end of one connection: what it may send now, what it must read, and how it ends. */
#include "traffic.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct totals totals;
bool stopping;
uint64_t retry_ns;

const char *const shape_names[SHAPE_COUNT] = {
#define X(symbol, name) name,
	SHAPES(X)
#undef X
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool greeted(const struct connection *c)
{
	return c->greeted == sizeof(c->hello);
}

static uint64_t own_total(const struct connection *c)
{
	return c->client ? c->hello.up : c->hello.down;
}

static uint64_t peer_total(const struct connection *c)
{
	return c->client ? c->hello.down : c->hello.up;
}

/* How far the stream of this end may have got by now. */
static uint64_t allowed(const struct connection *c)
{
	const struct hello *h = &c->hello;

	switch (h->shape) {
	case ECHO:
	case BRIEF:
	case CHAT:
		return smaller(own_total(c), (c->in / h->unit + (c->client ? 1 : 0)) * h->unit);
	case UP:
	case SLOW_SERVER:
		return c->client || c->in == h->up ? own_total(c) : 0;
	case HALF_CLOSE:
		return c->client || c->ended ? own_total(c) : 0;
	default:
		return own_total(c);
	}
}

static bool reads_slowly(const struct connection *c)
{
	return c->hello.shape == (c->client ? SLOW_CLIENT : SLOW_SERVER);
}

static bool server_closes(const struct connection *c)
{
	return c->hello.shape == DOWN || c->hello.shape == SLOW_CLIENT ||
	       c->hello.shape == HALF_CLOSE;
}

void trouble(struct connection *c, const char *what, int error)
{
	int unread = -1, unsent = -1;

	if (c->over)
		return;
	c->over = true;
	ioctl(c->fd, FIONREAD, &unread);
	ioctl(c->fd, TIOCOUTQ, &unsent);
	printf("{\"event\":\"trouble\",\"what\":\"%s\",\"error\":\"%s\",\"shape\":\"%s\",\"seed\":"
	       "\"%" PRIu64 "\","
	       "\"opened\":%" PRIu64 ",\"at\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"toSend\":%" PRIu64
	       ",\"got\":%" PRIu64 ",\"toGet\":%" PRIu64 ",\"unread\":%d,\"unsent\":%d,"
	       "\"chunk\":%u,\"wrong\":{\"size\":%zu,\"right\":%zu,\"shift\":%" PRId64 ",\"peeked\":%s}}\n",
	       what, error ? strerrorname_np(error) : "",
	       greeted(c) && c->hello.shape < SHAPE_COUNT ? shape_names[c->hello.shape] : "",
	       c->hello.seed, c->opened_ns, now_ns(), c->out, own_total(c), c->in, peer_total(c),
	       unread, unsent, c->hello.chunk, c->wrong.size, c->wrong.right, c->wrong.shift,
	       c->wrong.peeked ? "true" : "false");
	fflush(stdout);
}

static bool would_block(struct connection *c)
{
	if (errno != EAGAIN)
		trouble(c, "error", errno);
	return true;
}

/* One send; now and then from three pieces. */
static ssize_t send_some(struct connection *c, const char *bytes, size_t n)
{
	struct iovec parts[3];
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };
	size_t first = n / 3, second = n / 2;

	if (n < 3 || next_random(&c->random) % 4)
		return send(c->fd, bytes, n, MSG_NOSIGNAL);
	parts[0] = (struct iovec){ (void *)bytes, first };
	parts[1] = (struct iovec){ (void *)(bytes + first), second - first };
	parts[2] = (struct iovec){ (void *)(bytes + second), n - second };
	return sendmsg(c->fd, &message, MSG_NOSIGNAL);
}

/* Returns whether more could follow at once. */
static bool write_some(struct connection *c)
{
	uint64_t left = allowed(c) - c->out;
	ssize_t n;

	if (!left || now_ns() < c->resume_ns)
		return false;
	left = smaller(smaller(left, between(&c->random, 1, c->hello.chunk)), PATTERN_RUN);
	n = send_some(c, pattern_at(c->hello.seed + c->client, c->out), left);
	if (n < 0)
		return !would_block(c);
	c->out += (uint64_t)n;
	c->moved_ns = now_ns();
	return true;
}

static bool same(struct connection *c, const char *bytes, size_t n, bool peeked)
{
	if (c->in + n > peer_total(c)) {
		trouble(c, "too_many", 0);
		return false;
	}
	if (memcmp(bytes, pattern_at(c->hello.seed + !c->client, c->in), n) == 0)
		return true;
	c->wrong.size = n;
	c->wrong.peeked = peeked;
	c->wrong.shift = shift_of(c->hello.seed + !c->client, c->in, bytes, n, &c->wrong.right);
	trouble(c, "mismatch", 0);
	return false;
}

/* A chat has no length: its client ends it, when everything that it asked has been answered. */
static bool chat_over(const struct connection *c)
{
	return c->hello.shape == CHAT && c->in == c->out && c->in % c->hello.unit == 0 &&
	       (c->client ? stopping : c->ended);
}

static void end_of_stream(struct connection *c)
{
	c->ended = true;
	if (c->in != peer_total(c) && !chat_over(c))
		trouble(c, "cut_short", 0);
}

static bool read_some(struct connection *c)
{
	static char buffer[256 * 1024];
	size_t most = reads_slowly(c) ? between(&c->random, 1, 16 * 1024)
				      : between(&c->random, 1, sizeof(buffer));
	ssize_t n;

	if (c->ended || (reads_slowly(c) && now_ns() < c->resume_ns))
		return false;
	if (next_random(&c->random) % 64 == 0) {
		n = recv(c->fd, buffer, most, MSG_PEEK);
		if (n > 0 && !same(c, buffer, (size_t)n, true))
			return false;
	}
	n = recv(c->fd, buffer, most, 0);
	if (n < 0)
		return !would_block(c);
	c->moved_ns = now_ns();
	if (n == 0) {
		end_of_stream(c);
		return false;
	}
	if (!same(c, buffer, (size_t)n, false))
		return false;
	c->in += (uint64_t)n;
	totals.bytes += (uint64_t)n;
	if (reads_slowly(c) || (c->client && c->hello.shape == CHAT && c->in % c->hello.unit == 0))
		c->resume_ns = now_ns() + c->hello.pause_ms * MS;
	return !reads_slowly(c);
}

static void greet(struct connection *c)
{
	char *at = (char *)&c->hello + c->greeted;
	size_t left = sizeof(c->hello) - c->greeted;
	ssize_t n = c->client ? send(c->fd, at, left, MSG_NOSIGNAL) : recv(c->fd, at, left, 0);

	if (n < 0) {
		would_block(c);
		return;
	}
	if (n == 0) {
		trouble(c, "cut_short", 0);
		return;
	}
	c->greeted += (size_t)n;
	c->moved_ns = now_ns();
	if (greeted(c) && (c->hello.magic != MAGIC || c->hello.shape >= SHAPE_COUNT ||
			   !c->hello.unit || !c->hello.chunk))
		trouble(c, "mismatch", 0);
}

static void finish(struct connection *c)
{
	bool chatted = chat_over(c);
	bool sent = chatted || c->out == own_total(c), got = chatted || c->in == peer_total(c);

	if (c->client && c->hello.shape == HALF_CLOSE && sent && !c->shut) {
		shutdown(c->fd, SHUT_WR);
		c->shut = true;
	}
	if (!sent || !got)
		return;
	/* Whoever does not close first waits for the other end to do so. */
	if (server_closes(c) != c->client || c->ended) {
		c->over = true;
		totals.done[c->hello.shape]++;
	}
}

void move(struct connection *c)
{
	while (!c->over && !greeted(c)) {
		size_t before = c->greeted;

		greet(c);
		if (c->greeted == before)
			return;
	}
	for (int turns = 0; turns < 16 && !c->over; turns++) {
		bool wrote = write_some(c);

		if ((c->over || !read_some(c)) && !wrote)
			break;
	}
	if (!c->over)
		finish(c);
}

uint32_t wanted_events(const struct connection *c)
{
	bool paused = now_ns() < c->resume_ns;
	uint32_t events = c->ended || (paused && reads_slowly(c)) ? 0 : EPOLLIN;

	if (!greeted(c))
		return c->client ? EPOLLOUT : EPOLLIN;
	return allowed(c) > c->out && !paused ? events | EPOLLOUT : events;
}
