// SPDX-License-Identifier: Apache-2.0
/* What is measured. Bytes are compared before and after the time that counts, never within it. */
#include "flow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { CHECKED = 32, MOST_SAMPLES = 8 << 20, CONNECT_ADDRESSES = 32 };

static void order(int fd, const struct settings *s, enum shape shape)
{
	struct order order = { shape, s->size, s->nodelay, s->warm_ms };

	send_all(fd, &order, sizeof(order));
}

static void must_receive(int fd, void *into, size_t size)
{
	errno = 0;
	if (!receive_all(fd, into, size))
		die("the server closed early");
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_latencies(uint64_t *took, size_t count, uint64_t elapsed_ns)
{
	errno = 0;
	if (count == 0)
		die("nothing was measured");
	qsort(took, count, sizeof(*took), by_size);
#define PERCENTILE(p) ((double)took[(size_t)((double)(count - 1) * (p) / 100)] / 1000)
	printf("{\"p50_us\":%.3f,\"p90_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,\"count\":%zu,\"per_s\":%.1f}\n",
	       PERCENTILE(50), PERCENTILE(90), PERCENTILE(99), PERCENTILE(99.9), count,
	       (double)count * 1e9 / (double)elapsed_ns);
}

struct line {
	int fd, epoll;
};

static void wait_for(const struct line *line)
{
	struct epoll_event event;
	int ready = epoll_wait(line->epoll, &event, 1, WAIT_MS);

	if (ready < 0 && errno != EINTR)
		die("epoll_wait");
	errno = 0;
	if (ready == 0)
		die("nothing happened for %d ms", WAIT_MS);
}

static uint64_t trip(const struct line *line, const char *out, char *in, size_t size)
{
	uint64_t start = now_ns();
	size_t got = 0;

	send_all(line->fd, out, size);
	while (got < size) {
		ssize_t part;

		wait_for(line);
		part = recv(line->fd, in + got, size - got, 0);
		if (part > 0)
			got += (size_t)part;
		else if (part == 0 || (errno != EAGAIN && errno != EINTR))
			die("recv");
	}
	return now_ns() - start;
}

static void checked_trips(const struct line *line, char *out, char *in, size_t size, uint64_t first)
{
	for (uint64_t round = first; round < first + CHECKED; round++) {
		fill(out, size, round);
		trip(line, out, in, size);
		errno = 0;
		if (memcmp(out, in, size))
			die("round %" PRIu64 " brought other bytes than were sent", round);
	}
}

void time_trips(const struct settings *s)
{
	struct line line = { .fd = connect_to(s->address, s->local, s->nodelay), .epoll = new_epoll() };
	char *out = must_alloc(s->size), *in = must_alloc(s->size);
	uint64_t *took = must_alloc(MOST_SAMPLES * sizeof(*took)), start, until;
	size_t count = 0;

	watch_fd(line.epoll, line.fd, 0);
	order(line.fd, s, TRIP);
	checked_trips(&line, out, in, s->size, 0);
	for (until = now_ns() + s->warm_ms * 1000000ull; now_ns() < until;)
		trip(&line, out, in, s->size);
	start = now_ns();
	until = start + s->ms * 1000000ull;
	while (now_ns() < until && count < MOST_SAMPLES)
		took[count++] = trip(&line, out, in, s->size);
	until = now_ns();
	checked_trips(&line, out, in, s->size, CHECKED);
	print_latencies(took, count, until - start);
}

void time_stream(const struct settings *s)
{
	int fd = connect_to(s->address, s->local, s->nodelay);
	char *out = must_alloc(s->size);
	struct receipt receipt;
	uint64_t until, number = 0;

	fill(out, s->size, 7);
	order(fd, s, STREAM);
	until = now_ns() + (s->warm_ms + s->ms) * 1000000ull;
	/* The clock is not asked for each message. */
	do {
		for (int i = 0; i < 16; i++) {
			number_message(out, s->size, number++);
			send_all(fd, out, s->size);
		}
	} while (now_ns() < until);
	if (shutdown(fd, SHUT_WR))
		die("shutdown");
	must_receive(fd, &receipt, sizeof(receipt));
	errno = 0;
	if (receipt.bytes != number * s->size)
		die("%" PRIu64 " bytes were sent and %" PRIu64 " came", number * s->size, receipt.bytes);
	if (receipt.wrong)
		die("%" PRIu64 " of the last messages were not what was sent", receipt.wrong);
	if (!receipt.timed_ns)
		die("nothing came after the warm-up");
	printf("{\"gbit_s\":%.5f,\"messages_s\":%.0f}\n", (double)receipt.timed_bytes * 8 / (double)receipt.timed_ns,
	       (double)receipt.timed_bytes / s->size * 1e9 / (double)receipt.timed_ns);
}

struct asker {
	int fd;
	size_t got;
	uint64_t sent_ns;
};

void time_fan(const struct settings *s)
{
	struct asker *askers = must_alloc(s->connections * sizeof(*askers));
	uint64_t *took = must_alloc(MOST_SAMPLES * sizeof(*took)), start, end;
	char *out = must_alloc(s->size), *in = must_alloc(s->size);
	struct epoll_event events[64];
	int epoll = new_epoll();
	size_t count = 0;

	fill(out, s->size, 1);
	for (uint32_t i = 0; i < s->connections; i++) {
		askers[i].fd = connect_to(s->address, s->local, s->nodelay);
		watch_fd(epoll, askers[i].fd, i);
		order(askers[i].fd, s, TRIP);
		send_all(askers[i].fd, out, s->size);
	}
	start = now_ns() + s->warm_ms * 1000000ull;
	end = start + s->ms * 1000000ull;
	for (uint64_t now = now_ns(); now < end && count < MOST_SAMPLES; now = now_ns()) {
		int ready = epoll_wait(epoll, events, 64, WAIT_MS);

		errno = 0;
		if (ready == 0)
			die("nothing happened for %d ms", WAIT_MS);
		for (int i = 0; i < ready; i++) {
			struct asker *asker = &askers[events[i].data.u32];
			ssize_t part = recv(asker->fd, in, s->size - asker->got, 0);

			if (part < 0 && (errno == EAGAIN || errno == EINTR))
				continue;
			if (part <= 0)
				die("recv");
			if (memcmp(in, out + asker->got, part < 16 ? (size_t)part : 16))
				die("an answer has other bytes than the question");
			asker->got += (size_t)part;
			if (asker->got < s->size)
				continue;
			now = now_ns();
			if (now >= start && asker->sent_ns >= start)
				took[count++] = now - asker->sent_ns;
			asker->got = 0;
			asker->sent_ns = now;
			send_all(asker->fd, out, s->size);
		}
	}
	print_latencies(took, count, now_ns() - start);
}

/* Connect, one question, its answer, close. Spread over addresses of the loopback network, so that no port runs out. */
void time_connects(const struct settings *s)
{
	uint64_t *took = must_alloc(MOST_SAMPLES * sizeof(*took));
	char *out = must_alloc(s->size), *in = must_alloc(s->size), local[16];
	uint64_t start = now_ns() + s->warm_ms * 1000000ull, end = start + s->ms * 1000000ull, now = 0;
	size_t count = 0;

	fill(out, s->size, 3);
	for (uint32_t number = 0; now < end && count < MOST_SAMPLES; number++) {
		uint64_t began = now_ns();
		int fd;

		snprintf(local, sizeof(local), "127.0.1.%u", number % CONNECT_ADDRESSES + 1);
		fd = connect_to(s->address, s->local ? s->local : local, s->nodelay);
		order(fd, s, TRIP);
		send_all(fd, out, s->size);
		must_receive(fd, in, s->size);
		if (memcmp(in, out, s->size))
			die("an answer has other bytes than the question");
		close(fd);
		now = now_ns();
		if (began >= start)
			took[count++] = now - began;
	}
	print_latencies(took, count, now - start);
}
