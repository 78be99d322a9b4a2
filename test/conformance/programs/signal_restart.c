// SPDX-License-Identifier: Apache-2.0
/* A blocking recv is interrupted by a signal whose handler wants it restarted: it waits on, and gets the two bytes. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void ignore(int signal)
{
	(void)signal;
}

int main(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sigaction restart = { .sa_handler = ignore, .sa_flags = SA_RESTART };
	struct itimerval soon = { .it_value.tv_usec = 200000 };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), server;
	char bytes[10];
	ssize_t got;

	if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 5) ||
	    getsockname(listener, (struct sockaddr *)&address, &length) ||
	    connect(client, (struct sockaddr *)&address, length))
		return 1;
	server = accept(listener, NULL, NULL);
	if (send(server, "a", 1, 0) != 1 || recv(client, bytes, 1, 0) != 1)
		return 1;
	sigaction(SIGALRM, &restart, NULL);
	if (!fork()) {
		usleep(500000);
		return send(server, "zz", 2, 0) != 2;
	}
	setitimer(ITIMER_REAL, &soon, NULL);
	got = recv(client, bytes, sizeof(bytes), 0);
	printf("%zd %s\n", got, got < 0 ? strerror(errno) : "bytes");
	return got != 2;
}
