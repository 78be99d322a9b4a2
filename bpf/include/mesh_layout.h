/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What the balancing programs share with user space: the structs of the object mesh.bpf.o, once, for both compilers.
 * The same rules as in layout.h: no hidden padding, multiples of eight bytes.
 */
#ifndef SIDESTEP_MESH_LAYOUT_H
#define SIDESTEP_MESH_LAYOUT_H

#include "layout.h"

/* Bump when any struct, map or list below changes its meaning: pins of another version are never taken over. */
#define MESH_LAYOUT_VERSION 1U

/* IPv6 or v4-mapped, network order. */
struct mesh_address {
	__u32 word[4];
};

/* Live switches, one element. */
struct mesh_settings {
	__u32 layout;  /* MESH_LAYOUT_VERSION of the programs that are loaded */
	__u32 enabled; /* 0: every connect() keeps the address that it asked for */
	__u32 agent; /* process that is never balanced: the way to its own registry must not depend on its tables */
	__u32 excepts; /* 1: there are cgroups that must see addresses as they are */
};

/* A virtual address. */
struct mesh_vip {
	struct mesh_address address;
	__u16 port; /* network order */
	__u8 protocol;
	__u8 pad[5];
};

/* A cgroup that sees the addresses of a service, or of all of them, as they are. */
struct mesh_except {
	__u64 cgroup;
	__u32 service; /* 0: all */
	__u32 pad;
};

enum mesh_policy {
	POLICY_RANDOM = 0, /* by weight */
	POLICY_TURN,       /* round robin, in the order of the table */
	POLICY_LEAST,      /* fewest connections by weight */
	POLICY_EWMA,   /* lowest peak-EWMA of connect time and RTT, times connections, by weight */
	POLICY_MAGLEV, /* consistent by client */
};

enum mesh_affinity {
	AFFINITY_NONE = 0,
	AFFINITY_WORKLOAD, /* the client's cgroup */
	AFFINITY_ADDRESS, /* the client's network namespace: before connect() it has no other address */
};

/*
 * The table of one service: rows of one size, swapped as a whole. Four rows of rules, then the slots of the three tiers,
 * then the consistent table, four endpoints to a row.
 */
#define MESH_HEAD_ROWS 4U

struct mesh_shape {
	__u32 host_slots; /* endpoints on this host; 0: no preference */
	__u32 zone_slots; /* in this zone; 0: no preference */
	__u32 all_slots;
	__u32 maglev; /* size of the consistent table; 0: none */
};

struct mesh_rules {
	__u32 policy;
	__u32 affinity;
	__u32 affinity_ms;
	__u32 max_connections; /* 0: no limit */
};

struct mesh_bounds {
	__u32 skew_percent; /* most connections of a preferred endpoint, of its fair share; 0: no bound */
	__u32 slow_start_ms;
	__u32 eject_after; /* connect failures in a row; 0: never */
	__u32 eject_ms;
};

struct mesh_sums {
	__u32 weight;       /* of all endpoints */
	__u32 eject_resets; /* connections reset in a row; 0: never */
	__u32 pad[2];
};

struct mesh_slot {
	__u32 endpoint;
	__u32 alias; /* taken instead when a random number is above `keep` */
	__u32 keep;
	__u32 pad;
};

struct mesh_row {
	union {
		struct mesh_shape shape;
		struct mesh_rules rules;
		struct mesh_bounds bounds;
		struct mesh_sums sums;
		struct mesh_slot slot;
		__u32 maglev[4];
	};
};

enum mesh_state {
	MESH_UP = 0,
	MESH_DRAINING, /* takes no new connection; those that it has go on */
	MESH_DOWN,     /* believed dead: takes nothing, and connected datagram sockets are ended */
};

/* Keyed by a number that is never used twice. */
struct mesh_endpoint {
	struct mesh_address address;
	__u16 port; /* network order */
	__u8 state;
	__u8 pad;
	__u32 service;
	__u32 weight;
	__u32 pad2;
	__u64 born_ns; /* CLOCK_MONOTONIC: slow start begins; 0: long ago */
};

/* What this host knows of an endpoint's load. Same key. */
struct mesh_load {
	__s64 connecting;
	__s64 active;
	__u64 total;    /* established */
	__u64 failures; /* not established */
	__u64 resets;   /* established, and ended by the other side's reset or by time-out */
	__u64 cost_ns;  /* peak-EWMA */
	__u64 cost_at_ns;
	__u64 ejected_until_ns;
	__u32 in_a_row; /* failures since the last success */
	__u32 ejections;
};

#define MESH_REFUSALS(X)              \
	X(NO_ENDPOINT, "no_endpoint") \
	X(CONNECTIONS, "connections") \
	X(TWIN, "twin")

enum mesh_refusal {
#define X(symbol, name) REFUSED_##symbol,
	MESH_REFUSALS(X)
#undef X
		REFUSAL_COUNT,
};

#define MESH_TIERS 3U /* host, zone, all */

/* Per service and host. */
struct mesh_service {
	__s64 connecting;
	__s64 active;
	__u64 next; /* round robin */
	__u64 picks[MESH_TIERS];
	__u64 kept; /* picks that affinity decided */
	__u64 refused[REFUSAL_COUNT];
};

/*
 * How long connecting took, per service and host. Bucket i counts what took less than 2^(MESH_TIME_SHIFT + i) ns and is in
 * no bucket before it: from 16 us on, twice as much in each. The last one counts the rest, from 4.3 s on.
 */
#define MESH_TIME_SHIFT 14
#define MESH_TIME_BUCKETS 20

struct mesh_times {
	__u64 count[MESH_TIME_BUCKETS];
	__u64 sum_ns;
};

enum mesh_pick_state {
	PICK_MADE = 0,
	PICK_CONNECTING,
	PICK_ACTIVE,
	PICK_OVER,
};

/* What a socket asked for and what it was given (SK_STORAGE). */
struct mesh_pick {
	struct mesh_address asked;
	struct mesh_address given;
	__u16 asked_port;
	__u16 given_port;
	__u32 service;
	__u32 endpoint; /* 0: none */
	__u32 state;
	__u64 at_ns; /* when it was made; of a datagram flow, when it was last used */
};

/* Datagram sockets that are not connected talk to several. The oldest goes. */
#define MESH_FLOWS 4U
#define MESH_FLOW_NS (30ULL * 1000 * 1000 * 1000)

struct mesh_flows {
	struct mesh_pick flow[MESH_FLOWS];
};

struct mesh_client {
	__u64 key;
	__u32 service;
	__u32 pad;
};

struct mesh_sticky {
	__u64 at_ns;
	__u32 endpoint;
	__u32 pad;
};

SIDESTEP_ASSERT(sizeof(struct mesh_settings) == 16, "mesh settings");
SIDESTEP_ASSERT(sizeof(struct mesh_vip) == 24, "vip");
SIDESTEP_ASSERT(sizeof(struct mesh_row) == 16, "row");
SIDESTEP_ASSERT(sizeof(struct mesh_endpoint) == 40, "mesh endpoint");
SIDESTEP_ASSERT(sizeof(struct mesh_load) == 72, "load");
SIDESTEP_ASSERT(sizeof(struct mesh_pick) == 56, "pick");

#endif
