// SPDX-License-Identifier: Apache-2.0
/*
 * A proxy as many are written: it reads the head of a connection with recv, answers, and moves all that follows with
 * splice(2). Client, proxy and server are one process, so that its profile is one. `turns` connections, one after the
 * other; one line of JSON with the bytes that arrived of each, and what ended it.
 *
 *   head_then_splice <turns> <bytes of each> <ms between head and body>
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 5000

static int listening(struct sockaddr_in *at)
{
	socklen_t length = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(fd, (struct sockaddr *)at, length) || listen(fd, 16) || getsockname(fd, (struct sockaddr *)at, &length))
		err(1, "listen");
	return fd;
}

static int waiting(int fd, short events)
{
	struct pollfd one = { .fd = fd, .events = events };

	return poll(&one, 1, PATIENCE_MS) == 1;
}

static int connecting(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) && errno != EINPROGRESS)
		err(1, "connect");
	if (!waiting(fd, POLLOUT))
		errx(1, "connect: nothing for %d ms", PATIENCE_MS);
	return fd;
}

static int accepting(int listener)
{
	int fd = waiting(listener, POLLIN) ? accept4(listener, NULL, NULL, SOCK_NONBLOCK) : -1;

	if (fd < 0)
		err(1, "accept");
	return fd;
}

static void expect(int fd, const char *text)
{
	char got[16] = "";
	size_t have = 0;

	while (have < strlen(text)) {
		ssize_t n = waiting(fd, POLLIN) ? recv(fd, got + have, strlen(text) - have, 0) : -1;

		if (n <= 0)
			err(1, "waiting for %s", text);
		have += n;
	}
	if (memcmp(got, text, have))
		errx(1, "%.*s came for %s", (int)have, got, text);
}

static void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		err(1, "send");
}

/* What the proxy does from then on. NULL at the end of the stream, else what went wrong. */
static const char *move(int from, int to, int pipes[2])
{
	for (;;) {
		ssize_t in = splice(from, NULL, pipes[1], NULL, 1 << 16, SPLICE_F_NONBLOCK);

		if (in < 0 && errno == EAGAIN) {
			if (!waiting(from, POLLIN))
				return "nothing came";
			continue;
		}
		if (in <= 0)
			return in ? strerror(errno) : NULL;
		while (in > 0) {
			ssize_t out = splice(pipes[0], NULL, to, NULL, in, 0);

			if (out <= 0)
				return "the server took nothing";
			in -= out;
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in proxy_at, server_at;
	int proxy = listening(&proxy_at), server = listening(&server_at), pipes[2];
	int turns, size, pause_ms;
	char *body;

	if (argc != 4)
		errx(2, "usage: head_then_splice <turns> <bytes of each> <ms between head and body>");
	turns = atoi(argv[1]);
	size = atoi(argv[2]);
	pause_ms = atoi(argv[3]);
	body = calloc(1, size);
	if (!body || pipe(pipes))
		err(1, "prepare");
	printf("[");
	for (int turn = 0; turn < turns; turn++) {
		int client = connecting(&proxy_at), near = accepting(proxy), far, sink;
		const char *wrong;
		int got = 0;
		ssize_t n;

		say(client, "HEAD\n");
		expect(near, "HEAD\n");
		far = connecting(&server_at);
		sink = accepting(server);
		say(near, "OK\n");
		expect(client, "OK\n");
		usleep(pause_ms * 1000);
		if (send(client, body, size, MSG_NOSIGNAL) != size)
			errx(1, "the body found no room");
		shutdown(client, SHUT_WR);
		wrong = move(near, far, pipes);
		shutdown(far, SHUT_WR);
		while (waiting(sink, POLLIN) && (n = recv(sink, body, size, 0)) > 0)
			got += n;
		printf("%s{\"got\":%d,\"ended\":\"%s\"}", turn ? "," : "", got, wrong ? wrong : "EOF");
		close(client);
		close(near);
		close(far);
		close(sink);
	}
	printf("]\n");
	return 0;
}
