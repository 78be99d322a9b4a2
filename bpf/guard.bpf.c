// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * The guard: how does each end read?
 *
 * Whatever takes bytes out of a TCP socket ends in tcp_rcv_space_adjust, splice even when it finds nothing, and runs in
 * the reader's own system call. Its tracepoint costs nothing to programs without TCP sockets and about 0.1 us to
 * a read of one; tracing system calls would cost every call of every process on the host.
 */
#include "include/kernel.h"
#include "include/maps.h"
#include "lib/count.h"
#include "lib/gate.h"
#include "lib/habits.h"
#include "lib/identity.h"
#include "lib/states.h"
#include "lib/waits.h"

/* Number of the system call that is running. */
static __always_inline __u32 current_call(const struct task_struct *task)
{
	const struct pt_regs *regs = peek(bpf_task_pt_regs((void *)task), struct pt_regs);

	if (bpf_core_field_exists(regs->orig_ax))
		return see(regs, orig_ax);
	return see(peek(regs, struct pt_regs___arm64), syscallno);
}

/*
 * read, readv, recvfrom, recvmsg, recvmmsg, preadv2, io_uring_enter. Whatever else reads a socket is not known to suit.
 * A worker of io_uring carries the call of whoever made it, and may be splicing: io_uring always splices in workers.
 */
static __always_inline bool plain_read(__u32 call, const struct task_struct *task)
{
	const struct pt_regs *regs = NULL;

	if (see(task, flags) & PF_IO_WORKER)
		return false;

	if (bpf_core_field_exists(regs->orig_ax)) {
		switch (call) {
		case 0:
		case 19:
		case 45:
		case 47:
		case 299:
		case 327:
		case 426:
			return true;
		default:
			return false;
		}
	}
	switch (call) {
	case 63:
	case 65:
	case 207:
	case 212:
	case 243:
	case 286:
	case 426:
		return true;
	default:
		return false;
	}
}

/* The one that reads is who the end belongs to, whoever connected or listened. */
static __always_inline void name_reader(struct sidestep_pair *pair, struct sidestep_endpoint *end,
					__u32 side)
{
	struct sidestep_listener *listener;
	struct sidestep_workload *known;

	end->reads |= READ_NAMED;
	known = name_end(end, current_task());
	if (!end->workload)
		return;
	pair->generation--; /* judged for another name, perhaps */
	if (known) {
		known->seen_ns = bpf_ktime_get_ns();
		known->pid = end->pid;
		__builtin_memcpy(known->comm, end->comm, SIDESTEP_COMM);
	}
	/* Whoever made the listener may have handed it on: to a worker, to an activated service. */
	listener =
		side == SIDESTEP_SERVER ? bpf_map_lookup_elem(&listeners, &pair->listener) : NULL;
	if (!listener)
		return;
	listener->workload = end->workload;
	listener->exe_inode = end->exe_inode;
	listener->exe_dev = end->exe_dev;
	__builtin_memcpy(listener->comm, end->comm, SIDESTEP_COMM);
}

/* The evidence, for whoever asks why. */
static __always_inline void note_call(struct sidestep_endpoint *end, __u32 call)
{
	end->call = call;
	end->calls++;
	end->call_ns = bpf_ktime_get_ns();
}

static __always_inline void hazard(struct sidestep_pair *pair, sidestep_pair_id id, __u32 side,
				   __u32 reason)
{
	pair->end[side & 1].reads |= READ_HAZARD;
	note_hazard(pair, side, reason);
	if (!pair->hazard_ns)
		pair->hazard_ns = bpf_ktime_get_ns();
	decide_against(pair, id, reason);
}

/* The number of the peer's handshake is in the id of the pair. */
static __always_inline __u32 bytes_read(const struct sock *sk, const struct sidestep_flow *flow)
{
	__u32 first = flow->side == SIDESTEP_CLIENT ? flow->id : flow->id >> 32;

	return see(peek(sk, struct tcp_sock), copied_seq) - first - 1;
}

static __always_inline void learn(struct sidestep_pair *pair, struct sidestep_flow *flow,
				  const struct sock *sk)
{
	__u32 side = flow->side & 1;
	struct sidestep_endpoint *end = &pair->end[side];

	if (end->standing & STANDING_LENIENT && blocks(sk)) {
		end->reads |= READ_PLAIN | READ_ENOUGH;
		return;
	}
	if (!blocks(sk)) {
		note_plain(pair, side, bytes_read(sk, flow));
		return;
	}
	if (!settled(pair)) {
		end->reads |= READ_EARLY;
		return;
	}
	end->reads |= READ_BLOCKING;
	note_read(pair, side, READ_BLOCKING);
	decide_against(pair, flow->id, REASON_BLOCKING);
}

SEC("tp_btf/tcp_rcv_space_adjust")
int sidestep_guard(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct sidestep_endpoint *end;
	struct task_struct *task;
	struct sidestep_flow *flow;
	struct sidestep_pair *pair;
	__u32 call;
	bool plain;

	/* Every tracked socket has this flag: most of the host's reads end here. */
	if (!(see(peek(sk, struct tcp_sock), bpf_sock_ops_cb_flags) & BPF_SOCK_OPS_STATE_CB_FLAG))
		return 0;
	task = (struct task_struct *)bpf_get_current_task_btf();
	call = current_call(task);
	plain = plain_read(call, task);
	/* A socket that is in the map has been judged; only what it must not do is of interest. */
	if (plain && sk->sk_user_data) {
		if (mode.times_waits)
			end_wait(bpf_sk_storage_get(&flows, sk, NULL, 0));
		return 0;
	}
	flow = bpf_sk_storage_get(&flows, sk, NULL, 0);
	pair = flow ? bpf_map_lookup_elem(&pairs, &flow->id) : NULL;
	if (!pair || (plain && pair->reason != REASON_LEARNING))
		return 0;
	end = &pair->end[flow->side & 1];
	if (!(end->reads & READ_NAMED))
		name_reader(pair, end, flow->side & 1);
	if (plain && end->reads & READ_ENOUGH)
		return 0;
	note_call(end, call);
	if (!plain)
		hazard(pair, flow->id, flow->side & 1, REASON_SPLICE);
	else
		learn(pair, flow, peek(sk, struct sock));
	return 0;
}
