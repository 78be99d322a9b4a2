/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of many shapes between a client and a server process, as event-driven programs use them: non-blocking,
 * epoll. Each byte depends on its place in its stream, and each is compared when it is read.
 */
#ifndef SIDESTEP_TRAFFIC_H
#define SIDESTEP_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAGIC 0x53495453u
#define HUNG_NS (20ULL * 1000 * 1000 * 1000)
#define MS 1000000ULL

/* X(symbol, name) */
#define SHAPES(X)                                                                               \
	X(ECHO, "echo")               /* the server sends back each unit of the client's */     \
	X(BRIEF, "brief")             /* one unit there and back, then close */                 \
	X(CHAT, "chat")               /* echo with pauses, for as long as the client runs */    \
	X(UP, "up")                   /* the client sends, the server answers at the end */     \
	X(DOWN, "down")               /* the server sends and closes */                         \
	X(DUPLEX, "duplex")           /* both send at once */                                   \
	X(HALF_CLOSE, "half_close")   /* the client sends and shuts down, the server answers */ \
	X(SLOW_SERVER, "slow_server") /* like up; the server reads small bites, now and then */ \
	X(SLOW_CLIENT, "slow_client") /* like down, the other way round */

enum shape {
#define X(symbol, name) symbol,
	SHAPES(X)
#undef X
		SHAPE_COUNT,
};

/* How a client came to open it. */
enum kind {
	ANY,
	LONG,    /* a chat for as long as the client runs */
	BULK,    /* much, in large pieces */
	BRIEFLY, /* beside the others, so many in a second */
	KIND_COUNT,
};

#define MOST_LIVE 3500u

/* What the client says first: both ends then know what each will send. */
struct hello {
	uint32_t magic, shape;
	uint64_t seed, up, down;
	uint32_t unit, chunk; /* bytes of one turn; most bytes of one send */
	uint32_t pause_ms, pad;
};

struct connection {
	struct connection *next;
	int fd;
	enum kind kind;
	bool client, connected, shut, ended, over;
	uint32_t events; /* what epoll was asked for */
	size_t greeted;  /* bytes of the hello that are through */
	struct hello hello;
	uint64_t out, in;
	/* Of a read that was wrong: bytes of it, those that were right, how far ahead of their place the others belong. */
	struct {
		size_t size, right;
		int64_t shift;
		bool peeked;
	} wrong;
	uint64_t random;
	uint64_t opened_ns, moved_ns, resume_ns;
	int unsent; /* when it last seemed to hang */
};

struct totals {
	uint64_t bytes, opened, done[SHAPE_COUNT];
};

extern struct totals totals;
extern const char *const shape_names[SHAPE_COUNT];

/* pattern.c */
void make_pattern(void);
const char *pattern_at(uint64_t seed, uint64_t place); /* good for PATTERN_RUN bytes */
#define PATTERN_RUN (1u << 20)
int64_t
shift_of(uint64_t seed, uint64_t place, const char *bytes, size_t n,
	 size_t *right); /* how far ahead in the stream the first that is not right belongs */
uint64_t next_random(uint64_t *state);
uint64_t between(uint64_t *state, uint64_t low, uint64_t high);

/* connection.c: moves what can be moved now; `over` is set at the end, good or bad. */
extern bool stopping;     /* chats end at their next pause */
extern uint64_t retry_ns; /* nothing is opened before: nobody listened */
void move(struct connection *c);
uint32_t wanted_events(const struct connection *c);
void trouble(struct connection *c, const char *what, int error);

/* loop.c */
uint64_t now_ns(void);
void watch(struct connection *c);
void run(int listener, uint64_t rate, bool (*each_turn)(void));
extern unsigned live, live_of[KIND_COUNT];

/* shapes.c */
void fill_hello(struct hello *hello, uint64_t *random, uint64_t owner, enum kind kind);

#endif
