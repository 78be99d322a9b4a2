// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * Ways to join a client's socket to a local backend in the kernel, as a measure. Bare: no guard, no way out of the map, and
 * bytes that arrive are redirected without a bound. Only the benchmark loads it.
 */
#include "../../../bpf/lib/peek.h"
#include "splice.h"
#include <bpf/bpf_endian.h>

struct sock___room {
	int sk_wmem_queued;
	int sk_sndbuf;
} __attribute__((preserve_access_index));

/* What a reader may leave unread before its writer goes through TCP. */
#define UNREAD_LIMIT 65536
/* What is longer is a stream, and better copied in large pieces. */
#define ANSWER_LIMIT 16384

const volatile __u32 backend_ports[MOST_PORTS];

/* Sockets whose messages and arrivals are looked at. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 65536);
	__type(key, struct ends);
	__type(value, __u64);
} sockets SEC(".maps");

/* Sockets that bytes may go to. No program hangs on it: who is only a target reads as before. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 65536);
	__type(key, struct ends);
	__type(value, __u64);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct ends);
	__type(value, struct leg);
} legs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct ends);
	__type(value, struct known);
} known SEC(".maps");

/* Bytes that user space has taken from D and given to C, by connection. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MOST_CONNECTIONS);
	__type(key, __u32);
	__type(value, __u64);
} moved SEC(".maps");

/* Bytes that went this way. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WAYS);
	__type(key, __u32);
	__type(value, __u64);
} bytes SEC(".maps");

static __always_inline void count(__u32 way, __u32 size)
{
	__u64 *sum = bpf_map_lookup_elem(&bytes, &way);

	if (sum)
		__sync_fetch_and_add(sum, size);
}

static __always_inline bool is_backend(__u32 port)
{
	for (int i = 0; i < MOST_PORTS; i++)
		if (backend_ports[i] == port)
			return true;
	return false;
}

SEC("sockops")
int splice_ops(struct bpf_sock_ops *ops)
{
	struct ends key = { .near_address = ops->local_ip4,
			    .far_address = ops->remote_ip4,
			    .near_port = ops->local_port,
			    .far_port = bpf_ntohl(ops->remote_port) };
	const struct bpf_sock_ops_kern *kern = bpf_cast_to_kern_ctx(ops);
	struct known now = { .sk = (__u64)see(kern, sk) };

	if (ops->family != AF_INET || (ops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
				       ops->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB))
		return 1;
	now.first = see(peek(now.sk, struct tcp_sock), write_seq);
	bpf_map_update_elem(&known, &key, &now, BPF_ANY);
	if (ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB && is_backend(key.near_port)) {
		bpf_sock_hash_update(ops, &sockets, &key, BPF_ANY);
		bpf_sock_hash_update(ops, &targets, &key, BPF_ANY);
	}
	return 1;
}

SEC("sk_skb/stream_verdict")
int splice_skb(struct __sk_buff *skb)
{
	struct ends key = { .near_address = skb->local_ip4,
			    .far_address = skb->remote_ip4,
			    .near_port = skb->local_port,
			    .far_port = bpf_ntohl(skb->remote_port) };
	struct leg *leg = bpf_map_lookup_elem(&legs, &key);
	__u64 flags;

	/* A packet of none is the end of the stream. */
	if (!leg || !skb->len || (leg->way != WAY_ARRIVED_OUT && leg->way != WAY_ARRIVED_IN))
		return SK_PASS;
	flags = leg->way == WAY_ARRIVED_IN ? BPF_F_INGRESS : 0;
	if (bpf_sk_redirect_hash(skb, &targets, &leg->to, flags) != SK_PASS)
		return SK_PASS;
	count(leg->way, skb->len);
	return SK_PASS;
}

/* Everything that it ever sent the other way has been copied, and the target has room. The sender's lock is held. */
static __always_inline bool fits(const struct tcp_sock *own, __u32 size, const struct leg *leg,
				 const struct known *self)
{
	const struct known *other = bpf_map_lookup_elem(&known, &leg->to);
	__u64 *done = bpf_map_lookup_elem(&moved, &leg->slot);
	const struct sock___room *target;

	if (!other || !done || size > ANSWER_LIMIT)
		return false;
	target = peek(other->sk, struct sock___room);
	return see(own, write_seq) - (__u32)self->first + (__u32)self->sent_in == (__u32)*done &&
	       see(target, sk_wmem_queued) + 2 * size < see(target, sk_sndbuf);
}

/* The other end has read all that came by TCP, and keeps up with the rest. */
static __always_inline bool keeps_up(const struct tcp_sock *own, const struct ends *peer)
{
	const struct known *other = bpf_map_lookup_elem(&known, peer);

	if (!other)
		return false;
	return see(peek(other->sk, struct tcp_sock), copied_seq) == see(own, write_seq) &&
	       see(peek(other->sk, struct sock), sk_backlog.rmem_alloc.counter) <= UNREAD_LIMIT;
}

SEC("sk_msg")
int splice_msg(struct sk_msg_md *msg)
{
	struct ends key = { .near_address = msg->local_ip4,
			    .far_address = msg->remote_ip4,
			    .near_port = msg->local_port,
			    .far_port = bpf_ntohl(msg->remote_port) };
	struct ends peer = { .near_address = key.far_address,
			     .far_address = key.near_address,
			     .near_port = key.far_port,
			     .far_port = key.near_port };
	struct leg *leg = bpf_map_lookup_elem(&legs, &key);
	struct known *self = bpf_map_lookup_elem(&known, &key);
	__u32 size = msg->size;
	const struct tcp_sock *own;

	if (!leg || leg->way < WAY_SENT_OUT || !self || !msg->sk)
		return SK_PASS;
	own = peek(msg->sk, struct tcp_sock);
	if (leg->way == WAY_SENT_OUT || (leg->way == WAY_SENT_FITS && fits(own, size, leg, self))) {
		if (bpf_msg_redirect_hash(msg, &targets, &leg->to, 0) == SK_PASS)
			count(leg->way, size);
	} else if (keeps_up(own, &peer) &&
		   bpf_msg_redirect_hash(msg, &targets, &peer, BPF_F_INGRESS) == SK_PASS) {
		self->sent_in += size;
		count(WAY_SENT_IN, size);
	}
	return SK_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
