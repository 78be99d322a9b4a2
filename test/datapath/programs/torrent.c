// SPDX-License-Identifier: Apache-2.0
/*
 * Streams that never pause: one thread sends as fast as it can, and readers on the same CPU or another, who never block and
 * hear of bytes by edges, are always behind. Connections come one after the other, each to a listener of its own; a line of JSON for
 * each, when its last byte was compared, and one before it with its ports.
 *
 *   torrent <connections> <ms of each> <bytes of each send> <readers> <their CPU>
 *
 * One reader compares every byte with what belongs in its place; several count.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 5000
/* One reader may hear of the end alone. */
#define LOOK_MS 50
#define MOST_READERS 4
#define LARGEST (1 << 20)
/* Of one read: so many of them that it is hardly ever between two bursts. */
#define CHUNK (1 << 14)
/* No power of two, so that what is lost or doubled shows. */
#define PERIOD 65521

static unsigned char pattern[PERIOD + LARGEST];
static int fd, epoll, reader_count, reader_cpu;
static _Atomic unsigned long arrived;
static atomic_int ended;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void stay_on(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		err(1, "CPU %d", cpu);
}

static void take_in(const unsigned char *bytes, size_t size)
{
	unsigned long place = atomic_fetch_add(&arrived, size);

	if (reader_count == 1 && memcmp(bytes, pattern + place % PERIOD, size))
		errx(1, "what arrived at %lu is not what was sent there", place);
}

static void *reading(void *unused)
{
	unsigned char *bytes = malloc(CHUNK);
	long patience = now_ms() + PATIENCE_MS;
	struct epoll_event event;

	(void)unused;
	stay_on(reader_cpu);
	while (!atomic_load(&ended)) {
		ssize_t size;

		if (epoll_wait(epoll, &event, 1, LOOK_MS) > 0)
			patience = now_ms() + PATIENCE_MS;
		else if (now_ms() > patience && !atomic_load(&ended))
			errx(1, "nothing came for %d ms after %lu bytes", PATIENCE_MS, atomic_load(&arrived));
		while ((size = recv(fd, bytes, CHUNK, 0)) > 0)
			take_in(bytes, size);
		if (size == 0)
			atomic_store(&ended, 1);
		else if (errno != EAGAIN && errno != EINTR)
			err(1, "recv");
	}
	free(bytes);
	return NULL;
}

static unsigned long sending(int to, long ms, size_t size)
{
	struct pollfd room = { .fd = to, .events = POLLOUT };
	long until = now_ms() + ms;
	unsigned long place = 0;

	while (now_ms() < until) {
		ssize_t sent = send(to, pattern + place % PERIOD, size, MSG_NOSIGNAL);

		if (sent > 0)
			place += sent;
		else if (errno != EAGAIN)
			err(1, "send");
		else if (poll(&room, 1, PATIENCE_MS) != 1)
			errx(1, "no room for %d ms after %lu bytes", PATIENCE_MS, place);
	}
	shutdown(to, SHUT_WR);
	return place;
}

static void one(long ms, size_t size)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, from;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), to = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
	struct pollfd made = { .fd = to, .events = POLLOUT }, called = { .fd = listener, .events = POLLIN };
	pthread_t readers[MOST_READERS];
	socklen_t length = sizeof(at);
	unsigned long sent;

	if (bind(listener, (struct sockaddr *)&at, length) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&at, &length))
		err(1, "listen");
	if (connect(to, (struct sockaddr *)&at, length) && errno != EINPROGRESS)
		err(1, "connect");
	fd = poll(&called, 1, PATIENCE_MS) == 1 ? accept4(listener, NULL, NULL, SOCK_NONBLOCK) : -1;
	if (fd < 0 || poll(&made, 1, PATIENCE_MS) != 1 || getsockname(to, (struct sockaddr *)&from, &length))
		err(1, "connect");
	printf("{\"port\":%d}\n", ntohs(from.sin_port));
	fflush(stdout);

	arrived = 0;
	ended = 0;
	epoll = epoll_create1(0);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		err(1, "epoll");
	for (int i = 0; i < reader_count; i++)
		pthread_create(&readers[i], NULL, reading, NULL);
	sent = sending(to, ms, size);
	for (int i = 0; i < reader_count; i++)
		pthread_join(readers[i], NULL);
	if (arrived != sent)
		errx(1, "%lu bytes sent, %lu arrived", sent, arrived);
	printf("{\"bytes\":%lu}\n", sent);
	fflush(stdout);
	close(epoll);
	close(fd);
	close(to);
	close(listener);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		errx(2, "usage: torrent CONNECTIONS MS BYTES READERS CPU");
	reader_count = atoi(argv[4]);
	reader_cpu = atoi(argv[5]);
	if (reader_count < 1 || reader_count > MOST_READERS || atoi(argv[3]) > LARGEST)
		errx(2, "it cannot be done like this");
	stay_on(0);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = i % PERIOD * 2654435761u >> 24;
	for (int i = 0; i < atoi(argv[1]); i++)
		one(atol(argv[2]), atoi(argv[3]));
	return 0;
}
