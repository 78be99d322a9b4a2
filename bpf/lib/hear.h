/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Callbacks for a socket that is established already. */
#ifndef SIDESTEP_HEAR_H
#define SIDESTEP_HEAR_H

#include "peek.h"

/* Kernel 6.12 (include/uapi/linux/bpf.h): an iterator may ask for callbacks too. Without, no end would be heard of. */
#define SOCK_OPS_CB_FLAGS 1008

static __always_inline bool hear_of_its_end(struct tcp_sock *socket)
{
	int flags = see(peek(socket, struct tcp_sock), bpf_sock_ops_cb_flags) |
		    BPF_SOCK_OPS_STATE_CB_FLAG;

	return !bpf_setsockopt(socket, SOL_TCP, SOCK_OPS_CB_FLAGS, &flags, sizeof(flags));
}

#endif
