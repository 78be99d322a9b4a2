// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
/*
 * Two processes, one connection, as an event-driven program would use it: non-blocking, TCP_NODELAY on request, epoll.
 *
 *   rtt --mode rtt|stream [--size N] [--count N] [--same-core|--cross-core] [--family 4|6|unix] [--nodelay] --json
 *
 * rtt: the client sends N bytes, the server sends them back. stream: the client sends messages of N bytes, the server
 * answers once, when it has all of them. The payload is compared before and after the timed part, never within it.
 * Prints one JSON object. Exit code 0, 1 when something failed, 2 for bad usage.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WAIT_MS = 5000,
	RUN_SECONDS = 120,
	CHECKED_ROUNDS = 32,
	MAX_SIZE = 16 << 20,
	MAX_COUNT = 20 * 1000 * 1000,
};

/* Long enough for a listener to become known to whoever watches from outside. */
static const uint64_t warm_up_ns = 200ull * 1000 * 1000;

static struct settings {
	bool stream, cross_core, nodelay;
	size_t size;
	size_t count;
	int family;
} settings = { .size = 64, .count = 20000, .family = AF_INET };

struct line {
	int fd, epoll;
};

_Noreturn static void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	fputs("rtt: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, error ? ": %s\n" : "\n", strerror(error));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Sockets */

static socklen_t address_of(struct sockaddr_storage *address, in_port_t port)
{
	memset(address, 0, sizeof(*address));
	address->ss_family = (sa_family_t)settings.family;
	if (settings.family == AF_INET) {
		struct sockaddr_in *in = (void *)address;

		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		in->sin_port = port;
		return sizeof(*in);
	}
	if (settings.family == AF_INET6) {
		struct sockaddr_in6 *in6 = (void *)address;

		in6->sin6_addr = in6addr_loopback;
		in6->sin6_port = port;
		return sizeof(*in6);
	}
	/* Only the family: the kernel picks an abstract name. */
	return sizeof(sa_family_t);
}

static int listen_somewhere(struct sockaddr_storage *address, socklen_t *length)
{
	int fd = socket(settings.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*length = address_of(address, 0);
	if (fd < 0 || bind(fd, (void *)address, *length) || listen(fd, 1))
		die("cannot listen");
	*length = sizeof(*address);
	if (getsockname(fd, (void *)address, length))
		die("getsockname");
	return fd;
}

static struct line line_of(int fd)
{
	struct epoll_event interest = { .events = EPOLLIN };
	struct line line = { .fd = fd, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	int one = 1;

	if (line.epoll < 0 || epoll_ctl(line.epoll, EPOLL_CTL_ADD, fd, &interest))
		die("epoll");
	if (settings.nodelay && settings.family != AF_UNIX &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("TCP_NODELAY");
	return line;
}

static void wait_for(const struct line *line)
{
	struct epoll_event event;
	int ready;

	do
		ready = epoll_wait(line->epoll, &event, 1, WAIT_MS);
	while (ready < 0 && errno == EINTR);
	if (ready == 0) {
		errno = 0;
		die("nothing happened for %d ms", WAIT_MS);
	}
	if (ready < 0)
		die("epoll_wait");
}

static void wait_for_room(const struct line *line)
{
	struct epoll_event room = { .events = EPOLLOUT }, data = { .events = EPOLLIN };

	if (epoll_ctl(line->epoll, EPOLL_CTL_MOD, line->fd, &room))
		die("epoll_ctl");
	wait_for(line);
	if (epoll_ctl(line->epoll, EPOLL_CTL_MOD, line->fd, &data))
		die("epoll_ctl");
}

static void send_all(const struct line *line, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(line->fd, data, size, MSG_NOSIGNAL);

		if (sent >= 0) {
			data += sent;
			size -= (size_t)sent;
		} else if (errno == EAGAIN) {
			wait_for_room(line);
		} else if (errno != EINTR) {
			die("send");
		}
	}
}

/* Returns what has come, at least one byte; 0 when the peer has closed. */
static size_t receive(const struct line *line, char *into, size_t size)
{
	for (;;) {
		ssize_t got;

		wait_for(line);
		got = recv(line->fd, into, size, 0);
		if (got >= 0)
			return (size_t)got;
		if (errno != EAGAIN && errno != EINTR)
			die("recv");
	}
}

static bool receive_all(const struct line *line, char *into, size_t size)
{
	size_t got = 0;

	while (got < size) {
		size_t part = receive(line, into + got, size - got);

		if (part == 0 && got == 0)
			return false;
		if (part == 0) {
			errno = 0;
			die("the peer closed in the middle of a message");
		}
		got += part;
	}
	return true;
}

static void must_receive(const struct line *line, char *into, size_t size)
{
	if (!receive_all(line, into, size)) {
		errno = 0;
		die("the peer closed early");
	}
}

/* Payload: every round has its own bytes, so that one that is lost, doubled or moved shows. */

static void fill(char *data, size_t size, uint64_t round)
{
	uint64_t state = round * 0x9e3779b97f4a7c15u + 1;

	for (size_t i = 0; i < size; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		data[i] = (char)(state >> 56);
	}
}

static void compare(const char *got, const char *wanted, size_t size, uint64_t round)
{
	if (memcmp(got, wanted, size) == 0)
		return;
	errno = 0;
	die("round %" PRIu64 " brought other bytes than were sent", round);
}

/* Round trips */

static void echo(const struct line *line, char *buffer)
{
	while (receive_all(line, buffer, settings.size))
		send_all(line, buffer, settings.size);
}

static uint64_t round_trip(const struct line *line, const char *out, char *in)
{
	uint64_t start = now_ns();

	send_all(line, out, settings.size);
	must_receive(line, in, settings.size);
	return now_ns() - start;
}

static void checked_round_trips(const struct line *line, char *out, char *in, uint64_t first)
{
	for (uint64_t round = first; round < first + CHECKED_ROUNDS; round++) {
		fill(out, settings.size, round);
		round_trip(line, out, in);
		compare(in, out, settings.size, round);
	}
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void time_round_trips(const struct line *line, char *out, char *in)
{
	uint64_t *took = calloc(settings.count, sizeof(*took));
	uint64_t start = now_ns();

	if (!took)
		die("no memory");
	checked_round_trips(line, out, in, 0);
	while (now_ns() - start < warm_up_ns)
		round_trip(line, out, in);
	for (size_t round = 0; round < settings.count; round++)
		took[round] = round_trip(line, out, in);
	checked_round_trips(line, out, in, settings.count);

	qsort(took, settings.count, sizeof(*took), by_size);
#define PERCENTILE(p) ((double)took[(settings.count - 1) * (p) / 100] / 1000)
	printf("{\"p50_us\":%.3f,\"p90_us\":%.3f,\"p99_us\":%.3f,\"rounds\":%zu}\n", PERCENTILE(50),
	       PERCENTILE(90), PERCENTILE(99), settings.count);
	free(took);
}

/* Streams: a batch of messages, then one byte back. The server is told nothing; it follows the same plan. */

static size_t warm_up_count(void)
{
	return settings.count < 10 ? 1 : settings.count / 10;
}

static void swallow(const struct line *line, char *buffer, size_t messages)
{
	uint64_t left = (uint64_t)messages * settings.size;

	while (left > 0) {
		size_t part = receive(line, buffer, left < settings.size ? left : settings.size);

		if (part == 0) {
			errno = 0;
			die("the peer closed early");
		}
		left -= part;
	}
	send_all(line, "!", 1);
}

static void check_batch(const struct line *line, char *in, char *wanted, uint64_t first)
{
	for (uint64_t round = first; round < first + CHECKED_ROUNDS; round++) {
		fill(wanted, settings.size, round);
		must_receive(line, in, settings.size);
		compare(in, wanted, settings.size, round);
	}
	send_all(line, "!", 1);
}

static void take_stream(const struct line *line, char *wanted, char *in)
{
	check_batch(line, in, wanted, 0);
	swallow(line, in, warm_up_count());
	swallow(line, in, settings.count);
	check_batch(line, in, wanted, settings.count);
}

static void send_checked_batch(const struct line *line, char *out, uint64_t first)
{
	char answer;

	for (uint64_t round = first; round < first + CHECKED_ROUNDS; round++) {
		fill(out, settings.size, round);
		send_all(line, out, settings.size);
	}
	must_receive(line, &answer, 1);
}

static uint64_t send_batch(const struct line *line, const char *out, size_t messages)
{
	uint64_t start = now_ns();
	char answer;

	for (size_t message = 0; message < messages; message++)
		send_all(line, out, settings.size);
	must_receive(line, &answer, 1);
	return now_ns() - start;
}

static void time_stream(const struct line *line, char *out)
{
	double seconds;

	send_checked_batch(line, out, 0);
	send_batch(line, out, warm_up_count());
	seconds = (double)send_batch(line, out, settings.count) / 1e9;
	send_checked_batch(line, out, settings.count);
	printf("{\"gbit_s\":%.4f,\"messages_s\":%.0f}\n",
	       (double)settings.count * (double)settings.size * 8 / seconds / 1e9,
	       (double)settings.count / seconds);
}

/* The two processes */

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("cannot run on CPU %d", cpu);
}

static char *buffer_of(size_t size)
{
	char *buffer = malloc(size);

	if (!buffer)
		die("no memory");
	memset(buffer, 0, size);
	return buffer;
}

static int serve(int listener)
{
	char *out = buffer_of(settings.size), *in = buffer_of(settings.size);
	struct line waiting = line_of(listener), line;
	int fd;

	wait_for(&waiting);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		die("accept");
	line = line_of(fd);
	if (settings.stream)
		take_stream(&line, out, in);
	else
		echo(&line, in);
	return 0;
}

static int connect_to(const struct sockaddr_storage *address, socklen_t length)
{
	int fd = socket(settings.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	socklen_t size = sizeof(error);

	if (fd < 0)
		die("socket");
	if (connect(fd, (const void *)address, length)) {
		struct line line;

		if (errno != EINPROGRESS)
			die("connect");
		line = line_of(fd);
		wait_for_room(&line);
		close(line.epoll);
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size))
			die("SO_ERROR");
		errno = error;
		if (error)
			die("connect");
	}
	return fd;
}

static void call(const struct sockaddr_storage *address, socklen_t length)
{
	char *out = buffer_of(settings.size), *in = buffer_of(settings.size);
	struct line line = line_of(connect_to(address, length));

	if (settings.stream)
		time_stream(&line, out);
	else
		time_round_trips(&line, out, in);
	close(line.fd);
}

static size_t number(const char *text, size_t most)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value < 1 || value > most) {
		fprintf(stderr, "rtt: %s is no number from 1 to %zu\n", text, most);
		exit(2);
	}
	return (size_t)value;
}

_Noreturn static void usage(void)
{
	fputs("usage: rtt --mode rtt|stream [--size N] [--count N] [--same-core|--cross-core]\n"
	      "           [--family 4|6|unix] [--nodelay] --json\n",
	      stderr);
	exit(2);
}

static int family(const char *name)
{
	if (!strcmp(name, "4"))
		return AF_INET;
	if (!strcmp(name, "6"))
		return AF_INET6;
	if (!strcmp(name, "unix"))
		return AF_UNIX;
	usage();
}

static void read_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'n' },
		{ "same-core", no_argument, NULL, '1' },
		{ "cross-core", no_argument, NULL, '2' },
		{ "family", required_argument, NULL, 'f' },
		{ "nodelay", no_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	bool mode = false, json = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'm':
			mode = !strcmp(optarg, "rtt") || !strcmp(optarg, "stream");
			settings.stream = !strcmp(optarg, "stream");
			break;
		case 's':
			settings.size = number(optarg, MAX_SIZE);
			break;
		case 'n':
			settings.count = number(optarg, MAX_COUNT);
			break;
		case '1':
			settings.cross_core = false;
			break;
		case '2':
			settings.cross_core = true;
			break;
		case 'f':
			settings.family = family(optarg);
			break;
		case 'd':
			settings.nodelay = true;
			break;
		case 'j':
			json = true;
			break;
		default:
			usage();
		}
	}
	if (!mode || !json || optind != argc)
		usage();
}

int main(int argc, char **argv)
{
	struct sockaddr_storage address;
	socklen_t length;
	int listener, status;
	pid_t server;

	read_arguments(argc, argv);
	alarm(RUN_SECONDS);
	listener = listen_somewhere(&address, &length);
	server = fork();
	if (server < 0)
		die("fork");
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(settings.cross_core ? 1 : 0);
		_exit(serve(listener));
	}
	close(listener);
	pin(0);
	call(&address, length);
	if (waitpid(server, &status, 0) != server || status != 0) {
		errno = 0;
		die("the server failed");
	}
	return 0;
}
