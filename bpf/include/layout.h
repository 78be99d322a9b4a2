/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Every struct and list that the kernel programs share with user space, once, for both compilers.
 * No hidden padding: each struct is a multiple of eight bytes and names its own padding.
 * test/native/layout.test.ts compares this file as clang saw it (BTF) with what the addon was built from.
 */
#ifndef SIDESTEP_LAYOUT_H
#define SIDESTEP_LAYOUT_H

#ifdef __bpf__
#include <linux/types.h>
#define SIDESTEP_ASSERT(what, why) _Static_assert(what, why)
#else
#include <linux/types.h>
#include <cstddef>
#define SIDESTEP_ASSERT(what, why) static_assert(what, why)
#endif

/* Bump when any struct, map or list below changes its meaning: pins of another version are never taken over. */
#define SIDESTEP_LAYOUT_VERSION 9U

/*
 * How long after the handshake a blocking socket may still become a non-blocking one: many programs accept or connect
 * first and call fcntl(O_NONBLOCK) then. Until it has passed, blocking ends only pass.
 */
#define SIDESTEP_SETTLE_NS (100ULL * 1000 * 1000)

/*
 * Most redirected bytes that may wait at a reader in mode split, unless somebody says otherwise. FIONREAD knows nothing
 * of them there; what one read of a usual buffer takes, nobody has to be told of.
 */
#define SIDESTEP_SPLIT_BYTES 1024U

/* How long a reader that cannot read what waits for it is left alone before its connection is reset. */
#define SIDESTEP_STUCK_NS (500ULL * 1000 * 1000)

#define SIDESTEP_COMM 16U

/* Most selectors in force at once; each is asked once for each local connection. */
#define SIDESTEP_SELECTORS 128U

#define SIDESTEP_CLIENT 0U
#define SIDESTEP_SERVER 1U

/*
 * The closed list of reasons: why one message, or one connection, took the path that it took.
 * X(symbol, name): `name` is what metrics, CLI and docs show; agent/datapath/reasons.ts explains each.
 * Append only: the numbers are in pinned maps.
 */
#define SIDESTEP_REASONS(X)               \
	X(REDIRECTED, "redirected")       \
	X(PEER_PENDING, "peer_pending")   \
	X(UNREAD_TCP, "unread_tcp")       \
	X(QUEUE_FULL, "queue_full")       \
	X(NOT_ACCEPTED, "not_accepted")   \
	X(BLOCKING, "blocking")           \
	X(PEER_GONE, "peer_gone")         \
	X(DISABLED, "disabled")           \
	X(UNTRACKED, "untracked")         \
	X(ULP, "ulp")                     \
	X(MPTCP, "mptcp")                 \
	X(FAST_OPEN, "fast_open")         \
	X(MAP_FULL, "map_full")           \
	X(BUSY, "busy")                   \
	X(NO_MEMORY, "no_memory")         \
	X(NO_FILE, "no_file")             \
	X(LEAVING, "leaving")             \
	X(REMOTE, "remote")               \
	X(OBSERVED, "observed")           \
	X(LEARNING, "learning")           \
	X(SPLICE, "splice")               \
	X(SHUT_DOWN, "shut_down")         \
	X(UNREAD_CLOSE, "unread_close")   \
	X(SOCKET_OPTION, "socket_option") \
	X(EXCLUDED, "excluded")           \
	X(NOT_INCLUDED, "not_included")   \
	X(URGENT, "urgent")               \
	X(FIONREAD, "fionread")           \
	X(STREAM, "stream")               \
	X(BRIEF, "brief")                 \
	X(REFRESH, "refresh")

enum sidestep_reason {
#define X(symbol, name) REASON_##symbol,
	SIDESTEP_REASONS(X)
#undef X
		REASON_COUNT,
};

/* What a ring-buffer event tells. Never one per message. */
enum sidestep_event_type {
	EVENT_OPEN = 1, /* both ends are in the map */
	EVENT_REFUSED,  /* local connection that stays on TCP; `reason` says why */
	EVENT_FALLBACK, /* an enrolled pair that must leave the map; `reason` says why */
	EVENT_CLOSE,    /* both ends closed; the totals are final */
	EVENT_WORKLOAD, /* a workload that has no row yet connects or listens; `id` is its key */
};

/* Life of a pair. A pair only moves down this list. */
enum sidestep_pair_state {
	PAIR_HALF = 0, /* the client is in the map, the server is not yet */
	PAIR_ACTIVE,   /* both ends are in the map */
	PAIR_LEAVING,  /* passes every message; its sockets leave the map when drained */
	PAIR_TCP,      /* local, seen, and on plain TCP for good */
};

/* Live switches, one element, written by the agent, read at every hook. */
struct sidestep_settings {
	__u32 layout;  /* SIDESTEP_LAYOUT_VERSION of the programs that are loaded */
	__u32 enabled; /* 0: enrol nothing, pass every message */
	__u32 queue_bytes; /* most unread redirected bytes a reader may hold before its writer goes back to TCP */
	__u32 observe; /* 1: see and count local connections, enrol none */
	__u32 trust;   /* 1: believe ends of which nothing was seen yet */
	__u32 generation; /* of switches and scope: a pair that was judged under another is judged again */
	__u32 window_connections; /* how much plain reading must have been seen: on so many connections, */
	__u32 stream_messages; /* unanswered messages after which a direction is looked at; 0: never */
	__u64 window_ns;       /* since so long, */
	__u64 window_bytes;    /* and so many bytes */
	__u64 stream_ns;       /* a stream has sent so many within this time, */
	__u32 stream_bytes;    /* of at most so many bytes each, on average */
	__u32 brief_turns; /* messages of each end up to which a connection is not worth enrolling; 0: all are */
	__u64 stay_ns;  /* how long a stream stays on TCP at least; doubles with each return */
	__u64 owner;    /* start time (ns, CLOCK_BOOTTIME) of the agent that loaded the programs */
	__u32 tell_all; /* 1: announce opens and closes too, each of which wakes the agent */
	__u32 refresh_ms; /* after so long without a byte over TCP a message takes it; 0: never */
	__u32 follow; /* of the brief connections to a listener one in so many is followed; 1: all are */
	__u32 pad;
};

/* The two handshake numbers that name one connection: (client ISN << 32) | server ISN. */
typedef __u64 sidestep_pair_id;

/* Key of one end in the sockhash. */
struct sidestep_end_key {
	sidestep_pair_id id;
	__u32 side;
	__u32 pad;
};

#define KNOWN_CLEAN 1U  /* it read plainly, and never otherwise, on connections that it opened */
#define KNOWN_SERVER 2U /* the same on connections that it accepted */
#define KNOWN_WARY 4U   /* its file names splice(2): it is watched for longer */
#define KNOWN_MET 8U    /* the agent has looked at it */

/* A workload that is new is not believed before the agent has looked at it, or for so long. */
#define MEET_NS 250000000ULL

/*
 * A proxy reads the head of a connection plainly and splices the rest, some milliseconds later: by then it must not be
 * believed yet.
 */
#define WARY_READS 8U
#define WARY_NS 1000000000ULL

/*
 * How the connections of a listener, or of a workload, have been seen to read. Reads are counted while a connection is
 * being learned, and hazards always.
 */
struct sidestep_habits {
	__u32 plain;    /* reads with recv and its kin, on a non-blocking socket */
	__u32 blocking; /* the same on a blocking socket */
	__u32 hazard;   /* reason + 1: in a way that a socket in the map cannot serve; 0: never */
	__u32 hazards;  /* how often */
	__u32 connections; /* that have been seen to read plainly */
	__u32 accepted;    /* of these, at the server's end */
	__u32 known;       /* KNOWN_ bits: what the agent knows of it from before */
	__u32 pad;
	__u64 first_ns; /* CLOCK_MONOTONIC, of the first plain read */
	__u64 bytes;    /* read plainly */
};

/* Who listens. Keyed by the address of the socket. */
struct sidestep_listener {
	__u64 inode;
	__u64 workload;
	__u64 exe_inode; /* 0: not known yet */
	__u32 exe_dev;   /* kernel's encoding */
	__u32 pid;       /* 0: not known yet */
	char comm[SIDESTEP_COMM];
	struct sidestep_habits habits;
	__u64 told_ns; /* CLOCK_MONOTONIC, when a brief connection of it was announced last */
	__u32 ended;   /* its connections that have closed */
	__u32 turns;   /* messages of each end in one of them: running mean, times 16 */
	__u32 glances; /* so many of the next ones need not be followed, because they are as brief as the last one */
	__u32 glanced; /* those that were not, since the last one that was */
};

/* An executable in a cgroup. Keyed by a number made of its identity. */
struct sidestep_workload {
	__u64 exe_inode;
	__u64 exe_changed; /* its change time, ns since the epoch: a file that was replaced in place is another one */
	__u64 cgroup;  /* cgroup v2 id */
	__u64 seen_ns; /* CLOCK_MONOTONIC, when it last listened, connected, or read from a socket that was being learned */
	__u32 exe_dev; /* kernel's encoding */
	__u32 pid;     /* of the process that was seen last */
	char comm[SIDESTEP_COMM];
	struct sidestep_habits habits;
};

/* An executable under a name: what survives a workload. */
struct sidestep_program {
	__u64 exe_inode;
	__u64 exe_changed;
	__u32 exe_dev;
	__u32 pad;
	char comm[SIDESTEP_COMM];
};

/* What a new workload of a program begins with. */
struct sidestep_repute {
	__u32 known;  /* KNOWN_ bits */
	__u32 hazard; /* reason + 1 */
};

/* What the agent asks of a row that is there already. Fields of zero change nothing. */
struct sidestep_seed {
	__u64 workload;
	__u32 known;
	__u32 hazard;
	__u32 blocking; /* 1: it was seen to block */
	__u32 plain;    /* 1: it was seen to read plainly as well */
	__u32 found;    /* answer: 1 if there is such a row */
	__u32 pad;
};

/* A process as the kernel names it. */
struct sidestep_process {
	__u64 workload;
	__u64 exe_inode;
	__u64 exe_changed;
	__u64 cgroup;
	__u32 exe_dev;
	__u32 pid;
	char comm[SIDESTEP_COMM];
};

/* Traffic that one end sent, by path. Written under that end's socket lock. */
struct sidestep_traffic {
	__u64 redirected_bytes;
	__u64 redirected_messages;
	__u64 passed_bytes;
	__u64 passed_messages;
};

#define READ_PLAIN 1U       /* recv and its kin, non-blocking */
#define READ_BLOCKING 2U    /* the same on a blocking socket */
#define READ_HAZARD 8U      /* in a way that a socket in the map cannot serve */
#define READ_ABANDONED 16U  /* it closed with bytes unread */
#define READ_EARLY 32U      /* on a blocking socket, so soon that it may still change */
#define READ_CONDEMNED 128U /* the agent is to reset it: the kernel's programs cannot */
#define READ_TORN 256U  /* bytes that it was sent could not be queued: the agent is to reset it */
#define READ_NAMED 4U   /* process and workload are those of a reader */
#define READ_ENOUGH 64U /* no more of its plain reads need to be seen */

#define STANDING_TRUSTED \
	1U /* forced on: believed without, and against, what was learned of its workload */
#define STANDING_LENIENT 2U  /* its blocking reads are accepted */
#define STANDING_OBSERVED 4U /* its connections are counted and learned from, and not enrolled */

/*
 * One end of a pair, as its own host saw it. Addresses are IPv6 or v4-mapped, network order. What it writes with each
 * message is a cache line of its own: the other end is often on another processor, and looks into this row with each of its own.
 */
struct sidestep_endpoint {
	struct sidestep_traffic sent;
	__u32 heard; /* low bits of how many messages the other end had sent, at this end's latest */
	__u32 streak;       /* messages since, or since they were last looked at */
	__u64 streak_bytes; /* in them */
	__u64 streak_ns; /* CLOCK_MONOTONIC, when they were last looked at; 0: not since the other end's latest */
	__u32 streak_passed; /* of the streak, those that took TCP */
	__u32 passing;       /* runs in a row of a stream of which most took TCP */

	__u64 sk; /* kernel address, for fault-safe reads only; 0: not established */
	__u64 psock; /* the same, of what the sockhash hangs on the socket; 0: not in the map, or closed */
	__u64 tcp_ns; /* coarse CLOCK_MONOTONIC, when it last sent over TCP from within the map; 0: not yet */
	__u32 standing;    /* STANDING_ bits: what the scope says of this end */
	__u32 reads;       /* READ_ bits: how this end has been seen to read */
	__u32 last_reason; /* of the latest message that this end passed */
	__u32 segments; /* that TCP had carried when a stream was last looked at; at the close, with the messages of SK_MSG */
	__u64 tcp_sent; /* payload that TCP carried, at the last refresh */
	__u32 queued;   /* unread bytes charged to the receive side, at the last refresh */
	__u32 noted;    /* bytes that it was seen to read plainly */
	__u64 workload; /* 0: not known yet */

	__u8 local[16];
	__u64 cgroup; /* cgroup v2 id */
	__u64 inode;  /* socket inode number, 0 while not accepted */
	__u32 netns;  /* inode number of the network namespace */
	__u32 pid;    /* 0: not known in the kernel; user space resolves it by inode */
	__u32 uid;
	__u16 port;   /* host order */
	__u16 family; /* AF_INET or AF_INET6 */
	char comm[SIDESTEP_COMM];

	__u64 exe_inode; /* 0: not known yet */
	__u64 call_ns;   /* CLOCK_MONOTONIC, of the latest read that the guard looked at; 0: none */
	__u32 exe_dev;   /* kernel's encoding */
	__u32 call;      /* number of that read's system call */
	__u32 calls;     /* how many reads the guard looked at */
	__u32 met;       /* the count that met its socket last; 0: none yet */
	__u64 pad[4];    /* to whole cache lines */
};

/* Begins with what each message looks at, and hardly anything changes. */
struct sidestep_pair {
	__u32 state;       /* enum sidestep_pair_state */
	__u32 reason;      /* why it is not, or no longer, accelerated */
	__u32 closed;      /* bit per side */
	__u32 accelerated; /* 1: it was active at some time */
	__u64 listener;    /* address of the listening socket */
	__u64 opened_ns;   /* CLOCK_MONOTONIC */
	__u64 hazard_ns;   /* the same, of the first hazard; 0: none */
	__u64 left_ns; /* the same, when it last left as a stream, or was brief no more; 0: never */
	__u32 selector;   /* index + 1 of the selector that decided; 0: none did */
	__u32 generation; /* that it was judged under */
	__u16 ulp_asked; /* 1: an end has asked for an upper layer protocol; whether it got one, its socket says */
	__u16 streams; /* how often it has left as a stream without a long conversation in between */
	__u16 dialled_port; /* host order */
	__u16 pad;

	struct sidestep_endpoint end[2]; /* [SIDESTEP_CLIENT], [SIDESTEP_SERVER] */
	__u8 dialled[16];                /* the address that the client asked for, before any NAT */
	__u64 glanced; /* brief connections to the same listener before it that nobody followed */
};

/* What a selector does to the connections that it matches. */
enum sidestep_effect {
	SCOPE_EXCLUDE = 1, /* plain TCP */
	SCOPE_INCLUDE,     /* with one of these, whatever matches none of them is plain TCP */
	SCOPE_TRUST,       /* believe the end that matches */
	SCOPE_BLOCKING,    /* accept that the end that matches blocks */
	SCOPE_OBSERVE,     /* see and count, enrol none */
};

#define TERM_PROGRAM 1U
#define TERM_EXE 2U
#define TERM_CGROUP 4U
#define TERM_PORT 8U
#define TERM_CIDR 16U
#define TERM_USER 32U

/* One selector: it matches an end for which all terms in use hold. */
struct sidestep_selector {
	__u64 exe_inode;
	__u64 cgroup; /* the cgroup or one above it */
	__u8 address[16];
	char comm[SIDESTEP_COMM];
	__u32 effect; /* enum sidestep_effect */
	__u32 terms;  /* TERM_ bits in use */
	__u32 exe_dev;
	__u32 uid;
	__u32 prefix; /* bits of the address that count, 0..128 */
	__u16 port_first;
	__u16 port_last;
};

/* All selectors in force. Replaced as a whole. */
struct sidestep_scope {
	__u32 count;
	__u32 including; /* 1: there is a SCOPE_INCLUDE */
	struct sidestep_selector selector[SIDESTEP_SELECTORS];
};

/* What a refresh found. */
struct sidestep_refreshed {
	__u32 streams; /* pairs on TCP because they stream */
	__u32 back;    /* those that were in the map before and wait to be adopted again */
};

/* Entries of each map; of the slots for handshakes those that are taken. */
struct sidestep_entries {
	__u32 pairs;
	__u32 half_open;
	__u32 listeners;
	__u32 workloads;
	__u32 edges;
	__u32 pad;
};

/* What each tracked socket carries (SK_STORAGE): the way to its pair. */
struct sidestep_flow {
	sidestep_pair_id id;
	__u32 side;
	__u32 pad;
};

/* Totals of closed connections, per service edge. */
struct sidestep_edge_key {
	char client[SIDESTEP_COMM];
	char server[SIDESTEP_COMM];
	__u16 port; /* server port */
	__u16 pad[3];
};

struct sidestep_edge {
	struct sidestep_traffic sent[2]; /* by the client, by the server */
	__u64 connections;
	__u64 accelerated;
};

/* Per CPU; summed by the addon at scrape. */
struct sidestep_counters {
	__u64 messages[REASON_COUNT];
	__u64 bytes[REASON_COUNT];
	__u64 connections[REASON_COUNT];
	__u64 tcp_in_messages; /* packets that the one-queue program moved */
	__u64 tcp_in_bytes;
	__u64 tcp_repeated_bytes; /* of them, those that had come before and were cut off */
	__u64 events_lost;
	__u64 resets; /* connections that the agent reset: stuck, or left by a close with bytes unread */
	__u64 closed_unread; /* sockets closed with bytes unread in their psock */
	__u64 streams_left;  /* pairs that left the map as streams */
	__u64 streams_back;  /* of them, those that were sent back into it */
};

struct sidestep_event {
	__u64 at_ns; /* CLOCK_MONOTONIC */
	sidestep_pair_id id;
	__u32 type;
	__u32 reason;
	struct sidestep_traffic sent[2];
};

/* What is fixed when the programs are loaded: constants to the verifier, which takes out what they switch off. */
struct sidestep_mode {
	__u32 split_bytes; /* mode split: most bytes that may wait at a reader; 0: the other mode */
	__u32 times_waits; /* 1: some of the messages that find their queue empty are timed until they are read */
	__u32 half_open_slots;
	__u32 pad;
};

/* One message of an end in so many is timed. */
#define SIDESTEP_WAIT_EVERY 64U

/* The first bucket ends at 512 ns, each next one at twice as much; the last has no end. */
#define SIDESTEP_WAIT_SHIFT 9U
#define SIDESTEP_WAIT_BUCKETS 24U

/* How long timed messages waited for one of the two kinds of readers. Per CPU; summed by the addon at scrape. */
struct sidestep_waits {
	__u64 count[SIDESTEP_WAIT_BUCKETS];
	__u64 sum_ns;
};

/* What one pass of the retire iterator was asked, and did. */
struct sidestep_retire {
	__u64 only;    /* pair id; 0: every pair; 1: those that are leaving already */
	__u64 removed; /* sockets taken out of the map */
	__u64 unread;  /* sockets kept: bytes wait in their queue */
	__u64 sending; /* sockets kept: a send that began before is under way */
	__u64 unlocked; /* rows that came without the socket lock: this kernel cannot retire safely this way */
	__u64 reset;   /* connections that were stuck for good and had to be reset */
	__u64 tracked; /* sockets that carry a record of ours, enrolled or not */
};

/* One count of the sockets that have a record. */
struct sidestep_census {
	__u32 number; /* 1 to 65535, then 1 again */
	__u32 deaf;   /* sockets whose end nobody would have heard of; they are asked again */
	__u32 gone;   /* ends that were taken off because nobody had heard of them */
	__u32 netns;  /* inode number; only ends that live in it can have been met */
};

/* An established socket without a record, and the pair ids that it could have. */
struct sidestep_untracked {
	__u64 sk;
	__u64 cgroup;
	sidestep_pair_id as_client;
	sidestep_pair_id as_server;
};

/* What a socket that was found is to be given, and whether it was. */
struct sidestep_found {
	sidestep_pair_id id;
	__u32 side;
	__u32 tracked; /* FOUND_ */
};

#define FOUND_TRACKED 1U
#define FOUND_UNABLE 2U /* this kernel does not let it, or had no memory */

SIDESTEP_ASSERT(sizeof(struct sidestep_settings) == 96, "settings");
SIDESTEP_ASSERT(sizeof(struct sidestep_end_key) == 16, "end key");
SIDESTEP_ASSERT(sizeof(struct sidestep_listener) == 120, "listener");
SIDESTEP_ASSERT(sizeof(struct sidestep_habits) == 48, "habits");
SIDESTEP_ASSERT(sizeof(struct sidestep_workload) == 104, "workload");
SIDESTEP_ASSERT(sizeof(struct sidestep_program) == 40, "program");
SIDESTEP_ASSERT(sizeof(struct sidestep_process) == 56, "process");
SIDESTEP_ASSERT(sizeof(struct sidestep_endpoint) == 256, "endpoint");
SIDESTEP_ASSERT(sizeof(struct sidestep_pair) == 600, "pair");
SIDESTEP_ASSERT(__builtin_offsetof(struct sidestep_pair, end) % 64 == 0, "cache lines");
SIDESTEP_ASSERT(sizeof(struct sidestep_selector) == 72, "selector");
SIDESTEP_ASSERT(sizeof(struct sidestep_flow) == 16, "flow");
SIDESTEP_ASSERT(sizeof(struct sidestep_edge_key) == 40, "edge key");
SIDESTEP_ASSERT(sizeof(struct sidestep_event) == 88, "event");
SIDESTEP_ASSERT(sizeof(struct sidestep_untracked) == 32, "untracked");
SIDESTEP_ASSERT(sizeof(struct sidestep_found) == 16, "found");
SIDESTEP_ASSERT(sizeof(struct sidestep_mode) == 16, "mode");
SIDESTEP_ASSERT(sizeof(struct sidestep_waits) == 200, "waits");

#endif
