// SPDX-License-Identifier: Apache-2.0
/*
 * Many connections from one process to itself, each a conversation.
 *
 *   crowd <port> <connections>
 *
 * It opens them, asks and answers a few times on each, and prints {"open": N}. Then each line on standard input is one more
 * question and answer on every connection, and the end of the input ends it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETINGS 4

struct talk {
	int client, server;
};

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

static void wait_for(int fd, short events)
{
	struct pollfd one = { .fd = fd, .events = events };

	if (poll(&one, 1, 10000) != 1)
		errx(1, "nothing came within 10 s");
}

static void pass(int from, int to)
{
	char byte = 'x';

	if (send(from, &byte, 1, MSG_NOSIGNAL) != 1)
		err(1, "send");
	while (recv(to, &byte, 1, 0) != 1) {
		if (errno != EAGAIN)
			err(1, "recv");
		wait_for(to, POLLIN);
	}
}

static void converse(const struct talk *talks, int count)
{
	for (int i = 0; i < count; i++) {
		pass(talks[i].client, talks[i].server);
		pass(talks[i].server, talks[i].client);
	}
}

static struct talk open_one(int listener, const struct sockaddr_in *at)
{
	struct talk talk = { .client = new_socket() };

	if (connect(talk.client, (const struct sockaddr *)at, sizeof(*at)) && errno != EINPROGRESS)
		err(1, "connect");
	wait_for(listener, POLLIN);
	talk.server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (talk.server < 0)
		err(1, "accept");
	return talk;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int count = argc == 3 ? atoi(argv[2]) : 0, one = 1, listener;
	struct rlimit files = { 2 * count + 64, 2 * count + 64 };
	struct talk *talks = calloc(count > 0 ? count : 1, sizeof(*talks));
	char line[16];

	if (count < 1)
		errx(2, "usage: crowd PORT CONNECTIONS");
	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "%d file descriptors", 2 * count + 64);
	at.sin_port = htons(atoi(argv[1]));
	listener = new_socket();
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 128))
		err(1, "listen");
	for (int i = 0; i < count; i++) {
		talks[i] = open_one(listener, &at);
		for (int greeting = 0; greeting < GREETINGS; greeting++)
			converse(&talks[i], 1);
	}
	do {
		converse(talks, count);
		printf("{\"open\": %d}\n", count);
		fflush(stdout);
	} while (fgets(line, sizeof(line), stdin));
	return 0;
}
