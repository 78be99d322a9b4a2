/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two programs in one: a server, and a client that measures. Each is one event-driven process with one CPU to itself:
 * non-blocking sockets, epoll, one recv for each event.
 *
 * A connection begins with a `struct order` from the client; the server then does what it says until the client ends.
 */
#ifndef FLOW_H
#define FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	WAIT_MS = 5000,
	MAX_SIZE = 1 << 20,
	MAX_CONNECTIONS = 4096,
	MAX_MS = 60000,
	/* What a reader asks for at once: as libuv does. */
	READ_BYTES = 64 << 10,
};

enum shape { TRIP, STREAM };

struct order {
	uint32_t shape;
	uint32_t size;    /* bytes of a message */
	uint32_t nodelay; /* 1: the server sets TCP_NODELAY too */
	uint32_t warm_ms; /* STREAM: what comes earlier than this after the first byte is not timed */
};

/* The server's answer to a stream, when the client has shut its end. */
struct receipt {
	uint64_t bytes;
	uint64_t timed_bytes;
	uint64_t timed_ns;
	uint64_t wrong; /* of the last messages: those that were not what is sent at that place */
};

struct settings {
	const char *address, *local;
	uint32_t size, connections, ms, warm_ms;
	int cpu;
	bool nodelay;
};

_Noreturn void die(const char *format, ...);
uint64_t now_ns(void);
void pin(int cpu);
void *must_alloc(size_t size);

/* `address`: IPv4:PORT or unix:PATH. */
int listen_at(const char *address);
/* `local`: an IPv4 address to come from; NULL for any. */
int connect_to(const char *address, const char *local, bool nodelay);
void set_nodelay(int fd);
int new_epoll(void);
void watch_fd(int epoll, int fd, uint64_t cookie);
void send_all(int fd, const void *data, size_t size);
/* Waits for it. Returns false if the peer closed before the first byte. */
bool receive_all(int fd, void *into, size_t size);

/* Every message of a stream begins with its number. */
void number_message(char *message, uint32_t size, uint64_t number);
bool has_number(const char *message, uint32_t size, uint64_t number);
void fill(char *data, size_t size, uint64_t round);

void serve(const struct settings *s);
void time_trips(const struct settings *s);
void time_stream(const struct settings *s);
void time_fan(const struct settings *s);
void time_connects(const struct settings *s);

#endif
