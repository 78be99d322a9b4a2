/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Does anybody wait for a socket? Whoever sits in accept(), poll() or select() is in its list of waiters; an epoll that
 * has it is there always, and has a list of its own. The lists are read without their locks, so the answer is a hint.
 */
#ifndef SIDESTEP_WAITERS_H
#define SIDESTEP_WAITERS_H

#include "../include/kernel.h"
#include "peek.h"

/* Of a list; beyond that somebody is supposed to wait. */
#define MOST_WAITERS 4

/* Of an epoll within another nobody knows who waits for that. */
static __always_inline bool epoll_waits(__u64 entry)
{
	const struct eppoll_entry *polled =
		peek(entry - bpf_core_field_offset(struct eppoll_entry, wait.entry),
		     struct eppoll_entry);
	const struct eventpoll *ep = polled->base->ep;
	__u64 at = (__u64)ep;

	return (__u64)ep->wq.head.next != at + bpf_core_field_offset(struct eventpoll, wq.head) ||
	       (__u64)ep->poll_wait.head.next !=
		       at + bpf_core_field_offset(struct eventpoll, poll_wait.head);
}

static __always_inline bool awaited(const struct sock *sk)
{
	const struct socket_wq *wq = sk->sk_wq;
	__u64 head = (__u64)wq + bpf_core_field_offset(struct socket_wq, wait.head);
	__u64 entry = (__u64)wq->wait.head.next;

	for (int i = 0; i < MOST_WAITERS; i++) {
		const struct wait_queue_entry *waiter;

		if (entry == head)
			return false;
		waiter = peek(entry - bpf_core_field_offset(struct wait_queue_entry, entry),
			      struct wait_queue_entry);
		/* Those of epoll have no thread. */
		if (waiter->private || epoll_waits(entry))
			return true;
		entry = (__u64)waiter->entry.next;
	}
	return true;
}

#endif
