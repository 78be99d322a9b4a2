/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* How good a listener is for one connection: is it fit at all, does the policy prefer it, whose turn is it. */
#ifndef SIDESTEP_LISTENER_H
#define SIDESTEP_LISTENER_H

#include "../include/kernel.h"
#include "../include/reuseport_layout.h"
#include "peek.h"
#include "waiters.h"

#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define ETH_P_IPV6 0x86dd
#define TCP_SYN 0x02
#define TCP_ACK 0x10

/* A    By slot, which is also the key of the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct sidestep_reuse_member);
} reuse_members SEC(".maps");

/* K    By slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct sidestep_reuse_tally);
} reuse_tallies SEC(".maps");

/* The class in the upper half, what the policy prefers in the lower one. */
#define RANK(class, preference) ((__u64)(class) << 32 | (preference))
#define RANK_GONE RANK(CLASS_GONE, 0)

/* One choice, and the best listener so far. */
struct sidestep_reuse_look {
	__u64 now;
	__u64 latest; /* turn of the group */
	__u64 floor;  /* no turn counts as earlier than this */
	__u64 stuck_ns;
	__u64 grace_ns;
	__u64 busy_ns;
	__u64 best_rank;
	__u64 best_turn;
	__u32 best;  /* slot */
	__u32 class; /* of the one that was looked at last */
	__u32 group;
	__u32 generation;
	__u32 policy;
	__u32 client;
	__u32 cpu;
	__u32 udp;
	__u32 opens;
	__u32 at_work; /* so is the one that was looked at last, for a moment already */
	__u32 gone;    /* a listener that the agent knows has closed */
	__u32 pad;
};

static __always_inline __u32 mix(__u32 a, __u32 b)
{
	__u64 x = ((__u64)a << 32 | b) ^ 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 32;
}

/* What has waited longest: a connection that nobody has accepted, or a datagram that nobody has read. */
static __always_inline __u64 head_of(const struct sock *sk, bool udp)
{
	const struct udp_sock *us = peek(sk, struct udp_sock);

	if (!udp)
		return (__u64)peek(sk, struct inet_connection_sock)
			->icsk_accept_queue.rskq_accept_head;
	/* Readers move all that is there to a queue of their own. */
	if (us->reader_queue.qlen)
		return (__u64)us->reader_queue.next;
	return sk->sk_receive_queue.qlen ? (__u64)sk->sk_receive_queue.next : 0;
}

/* A request knows when its SYN was answered, unless that was done with a cookie. */
static __always_inline __u64 waited_of_head(__u64 head, __u64 now)
{
	__u64 since = head ? peek(head, struct tcp_request_sock)->snt_synack * 1000 : 0;

	return since && since < now ? now - since : 0;
}

/*
 * How long the head of the queue has waited. It says at once whether a listener is served, however little traffic it
 * has; a head that does not tell its age is remembered from when it was first seen. As soon as somebody accepts,
 * there is another head or none, and the listener is back.
 */
static __always_inline __u64 waited(const struct sock *sk, bool udp,
				    struct sidestep_reuse_tally *tally, __u64 now)
{
	__u64 head = head_of(sk, udp), told;

	if (tally->head != head) {
		/* Somebody has accepted. */
		if (tally->head)
			tally->free_ns = now;
		tally->head = head;
		tally->head_ns = now;
	}
	if (!head)
		return 0;
	told = udp ? 0 : waited_of_head(head, now);
	return told ? told : now - tally->head_ns;
}

static __always_inline bool full(const struct sock *sk, bool udp)
{
	if (udp)
		return sk->sk_backlog.rmem_alloc.counter > sk->sk_rcvbuf;
	return sk->sk_ack_backlog > sk->sk_max_ack_backlog;
}

/*
 * For how long its worker has been at something: nobody has waited for the listener in any of the looks since then, and
 * nobody has accepted. An empty queue alone would make it look idle.
 */
static __always_inline __u64 worked(const struct sock *sk, struct sidestep_reuse_tally *tally,
				    __u64 now)
{
	if (!tally->free_ns || awaited(sk))
		tally->free_ns = now;
	tally->worked_ns = now - tally->free_ns;
	return tally->worked_ns;
}

static __always_inline bool busy(struct sidestep_reuse_look *look, const struct sock *sk,
				 struct sidestep_reuse_tally *tally)
{
	__u64 for_ns;

	if (!look->busy_ns)
		return false;
	for_ns = worked(sk, tally, look->now);
	look->at_work = for_ns > SIDESTEP_REUSE_AT_WORK_NS;
	return for_ns > look->busy_ns;
}

static __always_inline __u32 class_of(struct sidestep_reuse_look *look, const struct sock *sk,
				      const struct sidestep_reuse_member *member,
				      struct sidestep_reuse_tally *tally, __u64 wait)
{
	if (full(sk, look->udp))
		return CLASS_FULL;
	if (look->stuck_ns && wait > look->stuck_ns)
		return CLASS_STUCK;
	/* A configuration test listens for a moment. Whoever got something and has accepted it is no test. */
	if (member->since_ns && look->now - member->since_ns < look->grace_ns &&
	    !(tally->selected && !wait))
		return CLASS_NEW;
	if (member->generation != look->generation)
		return CLASS_DRAINING;
	return busy(look, sk, tally) ? CLASS_BUSY : CLASS_READY;
}

/*
 * The agent's word may be of a socket that has closed since, or of a slot that has changed hands. A UDP socket has no
 * state that tells; it leaves its group when it closes.
 */
static __always_inline bool alive(const struct sidestep_reuse_look *look, const struct sock *sk,
				  const struct sidestep_reuse_member *member)
{
	return member->cookie && member->group == look->group && sk->sk_reuseport_cb &&
	       sk->__sk_common.skc_cookie.counter == (__s64)member->cookie &&
	       sk->__sk_common.skc_state == (look->udp ? BPF_TCP_CLOSE : BPF_TCP_LISTEN);
}

static __always_inline __u32 bits(__u32 value)
{
	__u32 count = 0;

	for (__u32 half = 16; half; half >>= 1) {
		if (value >> half) {
			value >>= half;
			count += half;
		}
	}
	return count + value;
}

/*
 * How much a queue speaks against a listener. Of two healthy ones the one with the shorter queue is only the one that
 * ran last, and to follow that would be less even than the hash; so a queue that is served promptly counts nothing, one
 * that moves an eighth, and what is within a factor of two counts the same. Between equals it is the turn that decides.
 * Behind something that takes long each one counts.
 */
static __always_inline __u32 burden(const struct sidestep_reuse_look *look, const struct sock *sk,
				    __u64 wait)
{
	__u32 depth =
		look->udp ? (__u32)sk->sk_backlog.rmem_alloc.counter / 1024 : sk->sk_ack_backlog;

	if (look->class == CLASS_READY && wait < SIDESTEP_REUSE_PROMPT_NS)
		return 0;
	return bits(look->class == CLASS_READY && wait < SIDESTEP_REUSE_MOVES_NS ? depth / 8
										 : depth);
}

static __always_inline bool runs_here(const struct sidestep_reuse_member *member, __u32 cpu)
{
	return cpu >= 256 || member->cpus[(cpu >> 6) & 3] & (1ULL << (cpu & 63));
}

/* The lower the better. */
static __always_inline __u32 preference(const struct sidestep_reuse_look *look,
					const struct sock *sk,
					const struct sidestep_reuse_member *member, __u64 wait)
{
	switch (look->policy) {
	case POLICY_LEAST_QUEUE:
		return burden(look, sk, wait) * 2 + look->at_work;
	case POLICY_CPU:
		return burden(look, sk, wait) * 2 + look->at_work +
		       (runs_here(member, look->cpu) ? 0 : 128);
	case POLICY_STICKY:
		/* Highest random weight: a listener that comes or goes moves only its own clients. */
		return mix(look->client, (__u32)member->cookie);
	default:
		return 0;
	}
}

/* Nobody is owed what he was kept from on purpose: he comes back as an equal. */
static __always_inline void keep_turn(const struct sidestep_reuse_look *look,
				      struct sidestep_reuse_tally *tally)
{
	bool out = look->class == CLASS_BUSY || look->class > CLASS_DRAINING;

	if (out == tally->out)
		return;
	if (!out && tally->turn < look->latest)
		tally->turn = look->latest;
	tally->out = out;
}

/* Verified on its own, so that the loop over listeners stays small. */
__noinline int sidestep_reuse_rank(struct sidestep_reuse_look *look, __u32 slot)
{
	struct sidestep_reuse_member *member = bpf_map_lookup_elem(&reuse_members, &slot);
	struct sidestep_reuse_tally *tally = bpf_map_lookup_elem(&reuse_tallies, &slot);
	const struct sock *sk;
	__u64 rank, turn, wait;

	if (!look || !member || !tally)
		return 0;
	sk = peek(member->sk, struct sock);
	if (!alive(look, sk, member)) {
		look->class = CLASS_GONE;
		look->gone = 1;
		return 0;
	}
	wait = waited(sk, look->udp, tally, look->now);
	look->at_work = 0;
	look->class = class_of(look, sk, member, tally, wait);
	keep_turn(look, tally);
	if (look->class != CLASS_READY && look->opens)
		__sync_fetch_and_add(&tally->skipped[look->class % CLASS_COUNT], 1);
	rank = RANK(look->class, preference(look, sk, member, wait));
	turn = tally->turn > look->floor ? tally->turn : look->floor;
	if (rank > look->best_rank || (rank == look->best_rank && turn >= look->best_turn))
		return 0;
	look->best_rank = rank;
	look->best_turn = turn;
	look->best = slot;
	return 0;
}

#endif
