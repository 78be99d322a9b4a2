/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Waiting for the other end while the lock of this one is held. Nothing new can leave here meanwhile, so the other end
 * only grows quieter: a busy stream, which is never found quiet by chance, is made so. Bounded, and short: the waiting is
 * done on this CPU, while the sender waits for its lock and the reader reads.
 */
#ifndef SIDESTEP_AWAIT_H
#define SIDESTEP_AWAIT_H

#include "../include/maps.h"
#include "peek.h"

/* At most so long, in nanoseconds; and so long without any progress, as when the reader is not at work. */
#define AWAIT_NS 4000000ULL
#define AWAIT_STALL_NS 100000ULL

/* A bound for the verifier; time ends it long before. */
#define AWAIT_STEPS (1U << 20)

enum awaited {
	NO_CALL, /* no send is under way there, nor a read */
	DRAINED, /* and all that was sent from here has been read */
	OUTSIDE, /* it has no psock any more */
};

struct waiting {
	__u64 sk;   /* the other end */
	__u32 sent; /* number of the byte that this end sends next */
	__u32 awaited;
	__u32 read; /* how far the other end had read at `moved_ns` */
	__u32 met;
	__u64 begun_ns;
	__u64 moved_ns;
};

/*
 * Drained is what was read, not what has arrived: a packet on its way from the stack into the psock is in no queue, and its
 * lock is not held here. What its reader has taken, with nothing sent behind it, is on no way any more.
 */
static __always_inline bool met(const struct waiting *w)
{
	const struct sock *sk = peek(w->sk, struct sock);
	const struct tcp_sock *tp = peek(w->sk, struct tcp_sock);
	const struct sk_psock *psock = psock_of(sk);

	switch (w->awaited) {
	case NO_CALL:
		return !psock || !in_call(psock);
	case DRAINED:
		return psock && !in_call(psock) && see(tp, copied_seq) == w->sent &&
		       holds_nothing(psock);
	default:
		return !psock;
	}
}

static long await_step(__u32 step, struct waiting *w)
{
	const struct tcp_sock *tp = peek(w->sk, struct tcp_sock);
	__u32 read = see(tp, copied_seq);
	__u64 now = bpf_ktime_get_ns();

	w->met = met(w);
	if (read != w->read) {
		w->read = read;
		w->moved_ns = now;
	}
	return w->met || now - w->moved_ns > AWAIT_STALL_NS || now - w->begun_ns > AWAIT_NS;
}

/* The caller holds the lock of `own`. */
static __always_inline bool await(const struct tcp_sock *own, __u64 other_sk, enum awaited what)
{
	__u64 now = bpf_ktime_get_ns();
	struct waiting w = {
		.sk = other_sk,
		.sent = see(own, snd_nxt),
		.awaited = what,
		.begun_ns = now,
		.moved_ns = now,
	};

	bpf_loop(AWAIT_STEPS, await_step, &w, 0);
	return w.met;
}

#endif
