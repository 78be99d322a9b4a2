// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * SK_REUSEPORT: which listener of a group gets a connection. An object of its own, because it lives in the groups that
 * it serves, not in pins: as long as one group holds it, its maps are there too, whatever became of the agent.
 *
 *   sidestep_reuse      (sk_reuseport/migrate)  chooses for a SYN, a datagram, or a connection whose listener closes
 *   sidestep_reuse_look (syscall)               looks at every listener, so that a quiet one that is stuck is seen too
 *   sidestep_reuse_tcp, sidestep_reuse_udp      (iterators)  the sockets of a namespace that share a port
 *
 * It never drops: whatever it cannot decide is left to the hash of the kernel, and counted with the reason.
 */
#include "include/kernel.h"
#include "include/reuseport_layout.h"
#include <bpf/bpf_endian.h>
#include "lib/peek.h"
#include "lib/listener.h"

/* A    The listeners themselves. A socket that closes leaves by itself. */
struct {
	__uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} reuse_sockets SEC(".maps");

/* A    By the kernel's number of the group. Replaced as a whole: nobody sees half a change. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct sidestep_reuse_group);
} reuse_groups SEC(".maps");

/* K    By index of the group; the first is of groups that the agent has not described. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 257);
	__type(key, __u32);
	__type(value, struct sidestep_reuse_group_tally);
} reuse_totals SEC(".maps");

/* A    No program reads it; it is bound to the chooser, so that the next agent finds it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sidestep_reuse_owner);
} reuse_owner SEC(".maps");

/* K */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} reuse_events SEC(".maps");

static __always_inline bool is_udp(const struct sk_reuseport_md *md)
{
	return md->ip_protocol == IPPROTO_UDP;
}

/* Anything but a SYN opens no connection: it is steered, and costs nobody a turn. */
static __always_inline bool opens(const struct sk_reuseport_md *md)
{
	const __u8 *header = (const __u8 *)(long)md->data;

	if (is_udp(md) || header + 14 > (const __u8 *)(long)md->data_end)
		return true;
	return (header[13] & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* By address; a datagram by address and port, because that is all there is of a conversation. */
static __always_inline __u32 client_of(struct sk_reuseport_md *md, const struct sock *migrating)
{
	__u32 from[5] = {};

	if (migrating) {
		const struct sock_common *common = &migrating->__sk_common;

		if (common->skc_family == AF_INET) {
			from[0] = common->skc_daddr;
		} else {
			from[0] = common->skc_v6_daddr.in6_u.u6_addr32[0];
			from[1] = common->skc_v6_daddr.in6_u.u6_addr32[1];
			from[2] = common->skc_v6_daddr.in6_u.u6_addr32[2];
			from[3] = common->skc_v6_daddr.in6_u.u6_addr32[3];
		}
	} else if (md->eth_protocol == bpf_htons(ETH_P_IPV6)) {
		bpf_skb_load_bytes_relative(md, 8, from, 16, BPF_HDR_START_NET);
	} else {
		bpf_skb_load_bytes_relative(md, 12, from, 4, BPF_HDR_START_NET);
	}
	if (is_udp(md))
		bpf_skb_load_bytes(md, 0, &from[4], 2);
	return mix(mix(from[0], from[1]), mix(from[2], from[3]) ^ from[4]);
}

/* The agent is told when it knows the wrong listeners, and so need not look often. */
static __always_inline void tell(__u32 id, __u32 socks, struct sidestep_reuse_group_tally *total,
				 __u64 now)
{
	struct sidestep_reuse_event *event;

	if (now - total->told_ns < SIDESTEP_REUSE_TELL_NS)
		return;
	event = bpf_ringbuf_reserve(&reuse_events, sizeof(*event), 0);
	/* A full buffer is an agent that has not looked yet: it will see this too. */
	if (!event)
		return;
	total->told_ns = now;
	event->group = id;
	event->socks = socks;
	bpf_ringbuf_submit(event, 0);
}

static __always_inline bool samples(const struct sidestep_reuse_group *group)
{
	return group->count > SIDESTEP_REUSE_SCAN &&
	       (group->policy == POLICY_LEAST_QUEUE || group->policy == POLICY_CPU);
}

/* The best of all, or of two drawn at random; more are drawn only while those found are not ready. */
static __always_inline void choose(struct sidestep_reuse_look *look,
				   const struct sidestep_reuse_group *group)
{
	__u32 count = group->count, ready = 0;
	bool sampled = samples(group);

	for (__u32 i = 0; i < SIDESTEP_REUSE_MOST; i++) {
		__u32 draws = sampled ? SIDESTEP_REUSE_SCAN : count;
		__u32 at = i;

		if (i >= draws || ready == 2)
			break;
		if (sampled)
			at = bpf_get_prandom_u32() % count;
		sidestep_reuse_rank(look, group->slots[at & (SIDESTEP_REUSE_MOST - 1)]);
		if (sampled && look->class == CLASS_READY)
			ready++;
	}
}

static __always_inline int fall_back(struct sidestep_reuse_group_tally *total, __u32 reason)
{
	__sync_fetch_and_add(&total->fallbacks[reason], 1);
	return SK_PASS;
}

static __always_inline void charge(struct sidestep_reuse_look *look,
				   struct sidestep_reuse_group_tally *total, bool migrates)
{
	struct sidestep_reuse_member *member = bpf_map_lookup_elem(&reuse_members, &look->best);
	struct sidestep_reuse_tally *tally = bpf_map_lookup_elem(&reuse_tallies, &look->best);

	if (!member || !tally)
		return;
	__sync_fetch_and_add(migrates ? &tally->migrated : &tally->selected, 1);
	tally->turn = look->best_turn + member->step;
	if (total->now < look->best_turn)
		total->now = look->best_turn;
}

SEC("sk_reuseport/migrate")
int sidestep_reuse(struct sk_reuseport_md *md)
{
	const struct sk_reuseport_kern *kern = bpf_cast_to_kern_ctx(md);
	const struct sock *migrating = NULL;
	struct sidestep_reuse_group_tally *total;
	struct sidestep_reuse_look look = {};
	struct sidestep_reuse_group *group;
	__u32 id = kern->reuseport_id, index, socks;

	group = bpf_map_lookup_elem(&reuse_groups, &id);
	index = group ? group->index : 0;
	total = bpf_map_lookup_elem(&reuse_totals, &index);
	if (!total)
		return SK_PASS;
	if (!group)
		return fall_back(total, FALLBACK_UNKNOWN_GROUP);
	if (md->migrating_sk)
		migrating = peek(md->migrating_sk, struct sock);
	look.now = bpf_ktime_get_ns();
	socks = peek(kern->sk, struct sock)->sk_reuseport_cb->num_socks;
	look.latest = total->now;
	look.floor =
		total->now > SIDESTEP_REUSE_CATCH_UP ? total->now - SIDESTEP_REUSE_CATCH_UP : 0;
	look.stuck_ns = group->stuck_ns;
	look.grace_ns = group->grace_ns;
	look.busy_ns = group->busy_ns;
	look.group = id;
	look.generation = group->generation;
	look.policy = group->policy;
	look.udp = is_udp(md);
	look.cpu = bpf_get_smp_processor_id();
	look.opens = migrating || opens(md);
	look.best_rank = RANK_GONE;
	if (look.policy == POLICY_STICKY)
		look.client = client_of(md, migrating);
	if (group->count)
		choose(&look, group);
	if (look.gone || socks != group->socks)
		tell(id, socks, total, look.now);
	if (look.best_rank == RANK_GONE)
		return fall_back(total, FALLBACK_NO_LISTENER);
	if (bpf_sk_select_reuseport(md, &reuse_sockets, &look.best, 0))
		return fall_back(total, FALLBACK_REFUSED);
	if (look.opens)
		charge(&look, total, migrating != NULL);
	return SK_PASS;
}

static long look_at(void *map, __u32 *slot, struct sidestep_reuse_member *member, void *ctx)
{
	struct sidestep_reuse_tally *tally = bpf_map_lookup_elem(&reuse_tallies, slot);
	const struct sock *sk = peek(member->sk, struct sock);
	bool udp = sk->__sk_common.skc_state != BPF_TCP_LISTEN;
	__u64 now = bpf_ktime_get_ns();

	if (!tally || !member->cookie ||
	    sk->__sk_common.skc_cookie.counter != (__s64)member->cookie)
		return 0;
	waited(sk, udp, tally, now);
	if (!udp)
		worked(sk, tally, now);
	return 0;
}

SEC("syscall")
int sidestep_reuse_look(void *ctx)
{
	return bpf_for_each_map_elem(&reuse_members, look_at, NULL, 0) < 0;
}

static __always_inline void describe(struct sidestep_reuse_row *row, const struct sock *sk)
{
	const struct sock_common *common = &sk->__sk_common;
	const struct sock_reuseport *reuse = sk->sk_reuseport_cb;
	const struct file *file = file_of(sk);
	const struct bpf_prog *prog = reuse->prog;
	__u32 *local = (__u32 *)row->local;

	row->sk = (__u64)sk;
	row->inode = file ? file->f_inode->i_ino : 0;
	row->cgroup = sk->sk_cgrp_data.cgroup->kn->id;
	row->family = common->skc_family;
	row->netns = common->skc_net.net->ns.inum;
	row->port = common->skc_num;
	row->uid = sk->sk_uid.val;
	row->group = reuse->reuseport_id;
	row->socks = reuse->num_socks;
	if (row->family == AF_INET) {
		local[2] = bpf_htonl(0x0000ffff);
		local[3] = common->skc_rcv_saddr;
	} else {
		local[0] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[0];
		local[1] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[1];
		local[2] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[2];
		local[3] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[3];
	}
	if (!prog)
		return;
	row->has_program = 1;
	row->program_type = prog->type;
	row->program = prog->aux->id;
	for (__u32 i = 0; i < sizeof(row->program_name); i++)
		row->program_name[i] = prog->aux->name[i];
}

static __always_inline bool shares(const struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD(&sk->__sk_common, skc_reuseport) && sk->sk_reuseport_cb;
}

/* Listeners come first: the first socket of another state ends the walk (1: the kernel stops here). */
SEC("iter/tcp")
int sidestep_reuse_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct sidestep_reuse_row row = {};
	const struct sock *sk;

	if (!common)
		return 0;
	if (common->skc_state != BPF_TCP_LISTEN)
		return 1;
	sk = peek(common, struct sock);
	if (!shares(sk))
		return 0;
	describe(&row, sk);
	row.cookie = bpf_get_socket_cookie(common);
	row.protocol = IPPROTO_TCP;
	row.depth = sk->sk_ack_backlog;
	row.room = sk->sk_max_ack_backlog;
	row.waited_ns = waited_of_head(head_of(sk, false), bpf_ktime_get_ns());
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

/* A connected one gets what its peer sends, whoever else shares the port. */
SEC("iter/udp")
int sidestep_reuse_udp(struct bpf_iter__udp *ctx)
{
	struct udp_sock *socket = ctx->udp_sk;
	struct sidestep_reuse_row row = {};
	const struct sock *sk;

	if (!socket)
		return 0;
	sk = peek(socket, struct sock);
	if (!shares(sk) || sk->__sk_common.skc_state == BPF_TCP_ESTABLISHED)
		return 0;
	describe(&row, sk);
	row.cookie = bpf_get_socket_cookie(socket);
	row.protocol = IPPROTO_UDP;
	row.depth = sk->sk_backlog.rmem_alloc.counter;
	row.room = sk->sk_rcvbuf;
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

/* Makes BTF for what no map mentions, so that the addon can compare it with its own layout. */
const struct sidestep_reuse_row *layout_of_row;
const struct sidestep_reuse_event *layout_of_event;

/* The kernel lets only GPL-compatible programs call the functions that read sockets. */
char LICENSE[] SEC("license") = "GPL";
