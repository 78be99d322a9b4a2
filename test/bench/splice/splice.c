// SPDX-License-Identifier: Apache-2.0
/*
 * A proxy for TCP that joins a client's socket to a local backend in the kernel, for measuring. Bare: no bound of memory for what
 * arrives, no guard, no time limits, IPv4 only.
 *
 *   splice <mode> <splice.bpf.o> <cgroup> <port>:<backend port> ...
 *
 * Backends run in the cgroup, at 127.0.0.1, and so does this program. It prints a line {"ready": true}; then, for each line that
 * it is told, one with the bytes that went each way so far. It ends with its standard input.
 */
#include "splice.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

/* What becomes of bytes of the three sockets. */
static const struct mode {
	const char *name;
	enum way c, d, e;
} modes[] = {
	{ "copy", WAY_TCP, WAY_TCP, WAY_TCP },
	{ "leg", WAY_TCP, WAY_SENT_IN, WAY_SENT_IN },
	{ "b", WAY_ARRIVED_OUT, WAY_ARRIVED_OUT, WAY_TCP },
	{ "a", WAY_ARRIVED_IN, WAY_TCP, WAY_SENT_OUT },
	{ "a-fits", WAY_ARRIVED_IN, WAY_TCP, WAY_SENT_FITS },
	{ "answers", WAY_TCP, WAY_SENT_IN, WAY_SENT_FITS },
};

struct connection;

struct end {
	struct connection *connection; /* NULL: a listener, or standard input */
	int fd;
	in_port_t backend; /* of a listener */
	struct ends ends;
	bool readable, hung;
	bool by_kernel; /* what arrives here is redirected: nothing to read but the end */
	bool ended;
	/* Read from here, and not yet taken by the other end. */
	char *held;
	size_t held_bytes;
};

struct connection {
	struct end c, d;
	struct ends e;
	struct connection *next; /* of those to free */
};

#define AT_ONCE 65536

static const struct mode *mode;
static int epoll, sockets, targets, legs;
static volatile __u64 *moved, *bytes;
static char buffer[AT_ONCE];
static struct connection *over;

/* A packet that is redirected wakes whoever waits for EPOLLIN, for nothing. */
static void watch(struct end *end)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = end };

	if (end->connection)
		event.events = EPOLLOUT | EPOLLRDHUP | EPOLLET | (end->by_kernel ? 0 : EPOLLIN);

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, end->fd, &event))
		err(1, "epoll_ctl");
}

static struct ends ends_of(int fd)
{
	struct sockaddr_in near, far;
	socklen_t size = sizeof(near);

	if (getsockname(fd, (struct sockaddr *)&near, &size) ||
	    getpeername(fd, (struct sockaddr *)&far, &size))
		return (struct ends){ 0 };
	return (struct ends){ near.sin_addr.s_addr, far.sin_addr.s_addr, ntohs(near.sin_port),
			      ntohs(far.sin_port) };
}

/* False: an end of its stream has come already, and the map takes established sockets only. */
static bool put(int map, const struct end *end)
{
	__u64 fd = end->fd;
	bool done = !bpf_map_update_elem(map, &end->ends, &fd, BPF_ANY);

	if (!done && errno != EOPNOTSUPP)
		warn("a socket does not go into the map");
	return done;
}

static void lay(const struct ends *from, const struct ends *to, enum way way, __u32 slot)
{
	struct leg leg = { .to = *to, .way = way, .slot = slot };

	if (way != WAY_TCP && bpf_map_update_elem(legs, from, &leg, BPF_ANY))
		warn("no room for a leg");
}

/* The backend's socket has been accepted by TCP before connect() returned; its program puts it in. */
static void await(const struct ends *e)
{
	__u64 cookie;

	for (int tries = 0; bpf_map_lookup_elem(targets, e, &cookie); tries++) {
		if (tries == 1000)
			return warnx("the backend's socket is in no map: not in the cgroup?");
		usleep(100);
	}
}

/*
 * Targets first, then what leads to them, then the sockets whose bytes are looked at. What came before is still in TCP's queue and
 * is offered to the program by a read; the order is kept, because nothing of it went another way. A connection whose end came even earlier is copied.
 */
static void join_ends(struct connection *n)
{
	char byte;

	if (mode->e != WAY_TCP)
		await(&n->e);
	moved[n->c.fd] = 0;
	if (!put(targets, &n->c) || !put(targets, &n->d))
		return;
	lay(&n->c.ends, mode->c == WAY_ARRIVED_IN ? &n->e : &n->d.ends, mode->c, n->c.fd);
	lay(&n->d.ends, &n->c.ends, mode->d, n->c.fd);
	lay(&n->e, &n->c.ends, mode->e, n->c.fd);
	if (mode->d != WAY_TCP)
		n->d.by_kernel = put(sockets, &n->d) && mode->d == WAY_ARRIVED_OUT;
	if (mode->c != WAY_TCP)
		n->c.by_kernel = put(sockets, &n->c);
	if (n->c.by_kernel)
		recv(n->c.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n->d.by_kernel)
		recv(n->d.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

static void end_it(struct connection *n, bool reset)
{
	struct linger now = { reset, 0 };

	if (n->c.fd < 0)
		return;
	bpf_map_delete_elem(legs, &n->c.ends);
	bpf_map_delete_elem(legs, &n->d.ends);
	bpf_map_delete_elem(legs, &n->e);
	for (struct end *end = &n->c; end; end = end == &n->c ? &n->d : NULL) {
		if (reset)
			setsockopt(end->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(end->fd);
		end->fd = -1;
		free(end->held);
	}
	n->next = over;
	over = n;
}

/* True: all of it was taken. False with EAGAIN: the rest is held. */
static bool give(struct end *from, struct end *to, const char *data, size_t size)
{
	ssize_t sent = send(to->fd, data, size, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN)
		return false;
	if (sent > 0 && from == &from->connection->d)
		moved[from->connection->c.fd] += sent;
	sent = sent < 0 ? 0 : sent;
	if ((size_t)sent == size) {
		from->held_bytes = 0;
		return true;
	}
	if (!from->held)
		from->held = malloc(AT_ONCE);
	memmove(from->held, data + sent, size - sent);
	from->held_bytes = size - sent;
	errno = EAGAIN;
	return false;
}

/* One direction, as far as it goes. False: the connection is dead. */
static bool pump(struct end *from, struct end *to)
{
	while (!from->ended) {
		ssize_t got;

		if (from->held_bytes && !give(from, to, from->held, from->held_bytes))
			return errno == EAGAIN;
		if (from->by_kernel && !from->hung)
			return true;
		if (!from->readable)
			return true;
		got = from->by_kernel ? 0 : recv(from->fd, buffer, AT_ONCE, 0);
		if (got < 0) {
			from->readable = false;
			return errno == EAGAIN;
		}
		if (!got) {
			from->ended = true;
			shutdown(to->fd, SHUT_WR);
		} else if (!give(from, to, buffer, got)) {
			return errno == EAGAIN;
		}
	}
	return true;
}

static void heard(struct end *end, __u32 events)
{
	struct connection *n = end->connection;

	if (end->fd < 0)
		return;
	end->readable |= !!(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP));
	end->hung |= !!(events & (EPOLLRDHUP | EPOLLHUP));
	if (events & EPOLLERR || !pump(&n->c, &n->d) || !pump(&n->d, &n->c))
		end_it(n, true);
	else if (n->c.ended && n->d.ended)
		end_it(n, false);
}

static void begin(const struct end *listener)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(listener->backend),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, fd;

	while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct connection *n = calloc(1, sizeof(*n));

		n->c = (struct end){ .connection = n, .fd = fd };
		n->d = (struct end){ .connection = n, .fd = socket(AF_INET, SOCK_STREAM, 0) };
		if (fd >= MOST_CONNECTIONS ||
		    connect(n->d.fd, (struct sockaddr *)&at, sizeof(at))) {
			end_it(n, true);
			continue;
		}
		fcntl(n->d.fd, F_SETFL, O_NONBLOCK);
		setsockopt(n->c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(n->d.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		n->c.ends = ends_of(n->c.fd);
		n->d.ends = ends_of(n->d.fd);
		n->e = (struct ends){ n->d.ends.far_address, n->d.ends.near_address,
				      n->d.ends.far_port, n->d.ends.near_port };
		if (mode->c != WAY_TCP || mode->d != WAY_TCP || mode->e != WAY_TCP)
			join_ends(n);
		watch(&n->c);
		watch(&n->d);
	}
}

static void open_listener(const char *pair)
{
	struct end *listener = calloc(1, sizeof(*listener));
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(atoi(pair)) };
	int one = 1;

	listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	listener->backend = atoi(strchr(pair, ':') + 1);
	setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener->fd, (struct sockaddr *)&at, sizeof(at)) || listen(listener->fd, 1024))
		err(1, "port %s", pair);
	watch(listener);
}

static volatile __u64 *view(struct bpf_object *object, const char *name, size_t count)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);
	void *at = mmap(NULL, count * sizeof(__u64), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		err(1, "map %s", name);
	return at;
}

static int program(struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static void load(const char *path, const char *cgroup, char *pairs[], int count)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *settings = object ? bpf_object__find_map_by_name(object, ".rodata") : NULL;
	__u32 ports[MOST_PORTS] = { 0 };

	for (int i = 0; i < count; i++)
		ports[i] = atoi(strchr(pairs[i], ':') + 1);
	if (!settings || bpf_map__set_initial_value(settings, ports, sizeof(ports)) ||
	    bpf_object__load(object))
		errx(1, "%s does not load", path);
	sockets = bpf_object__find_map_fd_by_name(object, "sockets");
	targets = bpf_object__find_map_fd_by_name(object, "targets");
	legs = bpf_object__find_map_fd_by_name(object, "legs");
	moved = view(object, "moved", MOST_CONNECTIONS);
	bytes = view(object, "bytes", WAYS);
	if (bpf_prog_attach(program(object, "splice_msg"), sockets, BPF_SK_MSG_VERDICT, 0) ||
	    bpf_prog_attach(program(object, "splice_skb"), sockets, BPF_SK_SKB_STREAM_VERDICT, 0) ||
	    /* A link: it goes with this process. */
	    !bpf_program__attach_cgroup(bpf_object__find_program_by_name(object, "splice_ops"),
					open(cgroup, O_RDONLY | O_DIRECTORY)))
		err(1, "attach");
}

static void tell(void)
{
	printf("{\"arrivedOut\": %llu, \"arrivedIn\": %llu, \"sentOut\": %llu, \"sentFits\": %llu, "
	       "\"sentIn\": %llu}\n",
	       bytes[WAY_ARRIVED_OUT], bytes[WAY_ARRIVED_IN], bytes[WAY_SENT_OUT],
	       bytes[WAY_SENT_FITS], bytes[WAY_SENT_IN]);
	fflush(stdout);
}

int main(int argc, char *argv[])
{
	struct end input = { .fd = STDIN_FILENO };
	struct epoll_event events[64];

	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(modes[i].name, argv[1]))
			mode = &modes[i];
	if (!mode || argc < 5 || argc > 4 + MOST_PORTS)
		errx(2, "splice <mode> <splice.bpf.o> <cgroup> <port>:<backend port> ...");
	epoll = epoll_create1(0);
	load(argv[2], argv[3], argv + 4, argc - 4);
	for (int i = 4; i < argc; i++)
		open_listener(argv[i]);
	watch(&input);
	puts("{\"ready\": true}");
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < count; i++) {
			struct end *end = events[i].data.ptr;

			if (end->connection)
				heard(end, events[i].events);
			else if (end != &input)
				begin(end);
			else if (read(STDIN_FILENO, buffer, AT_ONCE) <= 0)
				return 0;
			else
				tell();
		}
		for (struct connection *n; (n = over); free(n))
			over = n->next;
	}
}
