/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What splice.bpf.c and splice.c share. C: the client's socket. D: ours to the backend. E: the backend's, accepted. */
#pragma once

#include <linux/types.h>

#define MOST_PORTS 4
#define MOST_CONNECTIONS 4096

/* A socket as it sees itself; addresses in network order, ports in host order. */
struct ends {
	__u32 near_address;
	__u32 far_address;
	__u32 near_port;
	__u32 far_port;
};

/* What becomes of bytes of one socket. */
enum way {
	WAY_TCP,         /* they stay where they are */
	WAY_ARRIVED_OUT, /* what arrives is sent by another socket */
	WAY_ARRIVED_IN,  /* what arrives joins what another socket has to read */
	WAY_SENT_OUT,    /* what is sent is sent by another socket, whatever it has room for */
	WAY_SENT_FITS,   /* the same, where it fits, and nothing that came by TCP is left to copy */
	WAY_SENT_IN, /* what is sent joins what the other end has to read, if it has read all else */
	WAYS,
};

struct leg {
	struct ends to;
	__u32 way;
	__u32 slot; /* of the connection, in `moved` */
};

/* A socket, when it was established. */
struct known {
	__u64 sk;
	__u64 first;   /* sequence number of its first byte */
	__u64 sent_in; /* bytes of it that went to its peer without TCP */
};
