/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Every struct and list that the chooser shares with user space, once, for both compilers. A file of its own, as the
 * chooser is an object of its own, with a layout version of its own. No hidden padding.
 */
#ifndef SIDESTEP_REUSEPORT_LAYOUT_H
#define SIDESTEP_REUSEPORT_LAYOUT_H

#include "layout.h"

/* Bump when anything below changes its meaning: a chooser of another version is replaced, never taken over. */
#define SIDESTEP_REUSE_LAYOUT 2U

/* Most listeners of one group; a power of two. */
#define SIDESTEP_REUSE_MOST 256U
/* A group of up to so many is looked at as a whole; of a larger one, two at random. */
#define SIDESTEP_REUSE_SCAN 16U
/* What one connection costs a listener of weight one; a listener of weight w pays a w-th of it. */
#define SIDESTEP_REUSE_TURN 65536ULL
/* A listener that was slow for a moment catches up on so many turns, and no more. */
#define SIDESTEP_REUSE_CATCH_UP (256ULL * SIDESTEP_REUSE_TURN)
/* A queue whose head is younger than this is only one whose worker has not had its turn on a processor yet. */
#define SIDESTEP_REUSE_PROMPT_NS (10ULL * 1000 * 1000)
/* A queue whose head is younger than this moves. */
#define SIDESTEP_REUSE_MOVES_NS (50ULL * 1000 * 1000)
/* Between healthy workers, who is at work at this instant says no more than the length of their queues. */
#define SIDESTEP_REUSE_AT_WORK_NS (5ULL * 1000 * 1000)
/* A group whose listeners changed is told of at most so often. */
#define SIDESTEP_REUSE_TELL_NS (5ULL * 1000 * 1000)
#define SIDESTEP_REUSE_PATH 128U

/* X(symbol, name). `name` is what the configuration, the CLI and the metrics show. */
#define SIDESTEP_REUSE_POLICIES(X)    \
	X(LEAST_QUEUE, "least-queue") \
	X(ROUND_ROBIN, "round-robin") \
	X(WEIGHTED, "weighted")       \
	X(CPU, "cpu")                 \
	X(STICKY, "sticky")

enum sidestep_reuse_policy {
#define X(symbol, name) POLICY_##symbol,
	SIDESTEP_REUSE_POLICIES(X)
#undef X
		POLICY_COUNT,
};

/* Why a connection was left to the hash of the kernel. */
#define SIDESTEP_REUSE_FALLBACKS(X)       \
	X(UNKNOWN_GROUP, "unknown_group") \
	X(NO_LISTENER, "no_listener")     \
	X(REFUSED, "refused")

enum sidestep_reuse_fallback {
#define X(symbol, name) FALLBACK_##symbol,
	SIDESTEP_REUSE_FALLBACKS(X)
#undef X
		FALLBACK_COUNT,
};

/* How good a listener is: the lower the better, whatever the policy prefers. Also why it was passed over. */
#define SIDESTEP_REUSE_CLASSES(X) \
	X(READY, "ready")         \
	X(BUSY, "busy")           \
	X(DRAINING, "draining")   \
	X(NEW, "new")             \
	X(STUCK, "stuck")         \
	X(FULL, "full")           \
	X(GONE, "gone")

enum sidestep_reuse_class {
#define X(symbol, name) CLASS_##symbol,
	SIDESTEP_REUSE_CLASSES(X)
#undef X
		CLASS_COUNT,
};

/* A Whose chooser this is; how an agent knows what another one left behind. */
struct sidestep_reuse_owner {
	__u32 layout;
	__u32 pid;
	__u64 started; /* of the process, in clock ticks since boot: its number alone may be another's by now */
	char pin_path[SIDESTEP_REUSE_PATH];
};

/* A One group, by the kernel's number of it. */
struct sidestep_reuse_group {
	__u64 stuck_ns; /* 0: never */
	__u64 grace_ns;
	__u64 busy_ns; /* 0: never, as for UDP and for policies that choose by themselves */
	__u32 policy;
	__u32 generation; /* that of the listeners that take new connections */
	__u32 socks;      /* what the kernel counted when the agent looked */
	__u32 index;      /* in the tallies of groups */
	__u32 count;
	__u16 slots[SIDESTEP_REUSE_MOST];
	__u32 pad;
};

/* A One listener. */
struct sidestep_reuse_member {
	__u64 cookie;
	__u64 sk;
	__u64 since_ns; /* when it was first seen; 0: it was there before the chooser */
	__u64 step;     /* turn / weight */
	__u64 cpus[4];  /* where its process may run; all bits: anywhere */
	__u32 group;
	__u32 generation;
};

/* K What a listener got, and what was seen of it. */
struct sidestep_reuse_tally {
	__u64 turn;
	__u64 selected;
	__u64 migrated;
	__u64 skipped[CLASS_COUNT];
	__u64 head; /* what waits longest in its queue, and since when it was seen to */
	__u64 head_ns;
	__u64 out;       /* it was busy, new, stuck or full when last looked at */
	__u64 free_ns;   /* when somebody was last seen to wait for it, or to have accepted */
	__u64 worked_ns; /* how long nobody had, at the latest look */
};

/* K */
struct sidestep_reuse_group_tally {
	__u64 now; /* the latest turn */
	__u64 told_ns;
	__u64 fallbacks[FALLBACK_COUNT];
};

/* K The listeners of this group are not those that the agent knows. */
struct sidestep_reuse_event {
	__u32 group;
	__u32 socks;
};

/* K One socket with SO_REUSEPORT, as a walk finds it. */
struct sidestep_reuse_row {
	__u64 cookie;
	__u64 sk;
	__u64 inode;
	__u64 cgroup;
	__u64 waited_ns; /* how long the oldest connection of its queue has waited; 0: none, or nobody can tell */
	__u8 local[16]; /* v4-mapped */
	__u32 group;
	__u32 socks;
	__u32 program; /* id; 0 with a type means a classic filter */
	__u32 program_type;
	__u32 has_program;
	__u32 netns;
	__u32 port;
	__u32 family;
	__u32 protocol;
	__u32 depth; /* connections, or bytes for UDP */
	__u32 room;
	__u32 uid;
	char program_name[16];
};

SIDESTEP_ASSERT(sizeof(struct sidestep_reuse_owner) == 144, "owner");
SIDESTEP_ASSERT(sizeof(struct sidestep_reuse_group) == 560, "group");
SIDESTEP_ASSERT(sizeof(struct sidestep_reuse_member) == 72, "member");
SIDESTEP_ASSERT(sizeof(struct sidestep_reuse_tally) == 120, "tally");
SIDESTEP_ASSERT(sizeof(struct sidestep_reuse_row) == 120, "row");

#endif
