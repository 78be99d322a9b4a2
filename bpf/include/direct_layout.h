/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What the program that hands calls of the front door to listening sockets shares with user space, once, for both
 * compilers. No hidden padding. Nothing is pinned: program and maps go with the agent, so there is no version.
 */
#ifndef SIDESTEP_DIRECT_LAYOUT_H
#define SIDESTEP_DIRECT_LAYOUT_H

#include "layout.h"

/* Backends of one listener of the front door that can be reached directly. */
#define DIRECT_SLOTS 32U

/* IPv6 or v4-mapped, network order, so that whole networks compare from the first bit on. */
struct direct_address {
	__u32 word[4];
};

/* Where a listener of the front door is; the address of one that is everywhere is that of its family without any bit. */
struct direct_place {
	struct direct_address address;
	__u32 port; /* host order */
};

struct direct_slot {
	__u32 socket; /* key in direct_sockets */
	__u32 until;  /* sum of the weights up to and with this one */
};

struct direct_door {
	__u32 tally;    /* index in direct_tallies */
	__u32 networks; /* number in direct_networks; 0: everybody is served */
	__u32 allows;   /* 1: only who is in an allowed network */
	__u32 count;    /* slots; 0: what arrives here is none of ours */
	struct direct_slot slots[DIRECT_SLOTS];
};

enum direct_list {
	LIST_ALLOW = 0,
	LIST_DENY,
};

#define DIRECT_NETWORK_BITS 64U /* of a key before its address */

struct direct_network {
	__u32 bits; /* DIRECT_NETWORK_BITS and the prefix */
	__u32 networks;
	__u32 list;
	struct direct_address address;
};

/* Why a call was left to the door itself. X(symbol, name) */
#define DIRECT_LEFT(X)      \
	X(DENIED, "denied") \
	X(FULL, "full")     \
	X(GONE, "gone")     \
	X(UNFIT, "unfit")

enum direct_left {
#define X(symbol, name) LEFT_##symbol,
	DIRECT_LEFT(X)
#undef X
		LEFT_COUNT,
};

/* Per processor. */
struct direct_tally {
	__u64 given;
	__u64 left[LEFT_COUNT];
};

SIDESTEP_ASSERT(sizeof(struct direct_place) == 20, "place");
SIDESTEP_ASSERT(sizeof(struct direct_door) == 16 + DIRECT_SLOTS * 8, "door");
SIDESTEP_ASSERT(sizeof(struct direct_network) == 28, "network");
SIDESTEP_ASSERT(sizeof(struct direct_tally) == 40, "tally");

#endif
