/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Rules for the TCP settings of connections, and what became of them: the structs that mesh_tune.bpf.c shares with user
 * space. No pin has them: they come and go with the programs, and rules are written again by each agent.
 */
#ifndef SIDESTEP_MESH_TUNE_H
#define SIDESTEP_MESH_TUNE_H

#include "mesh_layout.h"

/* In the words of the configuration. SYN_TIMEOUT and ECN are answers to the kernel's questions, the others socket options. */
#define TUNE_OPTIONS(X)                       \
	X(CONGESTION, "congestionControl")    \
	X(SEND_BUFFER, "sendBuffer")          \
	X(RECEIVE_BUFFER, "receiveBuffer")    \
	X(WINDOW, "initialWindow")            \
	X(SYN_TIMEOUT, "synTimeout")          \
	X(SYN_RETRIES, "synRetries")          \
	X(KEEP_IDLE, "keepaliveIdle")         \
	X(KEEP_INTERVAL, "keepaliveInterval") \
	X(KEEP_PROBES, "keepaliveProbes")     \
	X(USER_TIMEOUT, "userTimeout")        \
	X(NO_DELAY, "noDelay")                \
	X(UNSENT, "notSentLowWater")          \
	X(PACING, "pacing")                   \
	X(ECN, "ecn")

enum tune_option {
#define X(symbol, name) TUNE_##symbol,
	TUNE_OPTIONS(X)
#undef X
		TUNE_OPTION_COUNT,
};

#define TUNE_RULES 64U /* in each of the two halves */

/* Which half is read. The other one is written. */
struct tune_settings {
	__u32 half;
	__u32 count;
};

struct tune_rule {
	__u32 id;     /* never used for another rule */
	__u32 wanted; /* one bit for each option */
	struct mesh_address network;
	__u32 prefix;     /* bits of it that count, IPv4 as v4-mapped */
	__u16 first_port; /* of the server, host order */
	__u16 last_port;  /* likewise */
	__u32 by_service; /* 0: connections to whatever service, or to none */
	__u32 service[2]; /* its numbers, one for each family; 0: none */
	char congestion[16];
	/* In the units of setsockopt(); SYN_TIMEOUT in ticks of the kernel. */
	__u32 value[TUNE_OPTION_COUNT];
	__u32 pad;
};

/* Keyed by the rule's id. Rows are made and removed by the agent. */
struct tune_tally {
	__u64 connections;
	__u64 given[TUNE_OPTION_COUNT];
	__u64 refused[TUNE_OPTION_COUNT];
	__s32 error[TUNE_OPTION_COUNT]; /* the latest, as a positive errno */
};

/* What one connection got (SK_STORAGE). */
struct tune_record {
	__u32 rule;
	__u32 given; /* one bit for each option */
	__u32 refused;
	__u32 syn_timeout;
};

/* The same, and what the kernel has now, for whoever asks. */
struct tune_row {
	struct mesh_address local;
	struct mesh_address remote;
	__u16 local_port; /* host order */
	__u16 remote_port;
	__u32 netns;
	__u64 inode;
	__u32 rule;
	__u32 given;
	__u32 refused;
	__u32 pad;
	char congestion[16];
	__s32 value[TUNE_OPTION_COUNT]; /* -1: this kernel does not tell */
};

SIDESTEP_ASSERT(sizeof(struct tune_rule) == 120, "tune rule");
SIDESTEP_ASSERT(sizeof(struct tune_tally) == 288, "tune tally");
SIDESTEP_ASSERT(sizeof(struct tune_row) == 136, "tune row");

#endif
