// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * SK_LOOKUP: a call to the front door becomes a call to the backend itself, where that listens in this network namespace.
 * The kernel asks before it looks for a listener; packets of connections never come here.
 *
 * It drops nothing: whatever it does not give away goes to the socket of the door, which copies, and is counted with the
 * reason.
 */
#include "include/direct_layout.h"
#include "include/kernel.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "lib/unknown.h"

/* A    By place. Replaced as a whole: nobody sees half a change. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct direct_place);
	__type(value, struct direct_door);
} direct_doors SEC(".maps");

/* A    Who may call. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct direct_network);
	__type(value, __u32);
} direct_networks SEC(".maps");

/* A    Listening sockets. One that closes leaves by itself. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, __u64);
} direct_sockets SEC(".maps");

/* K    By listener of the front door. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct direct_tally);
} direct_tallies SEC(".maps");

static __always_inline int leave(struct direct_tally *tally, __u32 why)
{
	if (why < LEFT_COUNT)
		tally->left[why]++;
	return SK_PASS;
}

/* The kernel says zero for the addresses of the other family. All are read: it refuses a read through a pointer that branches chose. */
static __always_inline void addresses(const struct bpf_sk_lookup *ctx, struct direct_address *local,
				      struct direct_address *remote)
{
	__u32 local4 = ctx->local_ip4, remote4 = ctx->remote_ip4;

	local->word[0] = ctx->local_ip6[0];
	local->word[1] = ctx->local_ip6[1];
	local->word[2] = ctx->local_ip6[2];
	local->word[3] = ctx->local_ip6[3] | local4;
	remote->word[0] = ctx->remote_ip6[0];
	remote->word[1] = ctx->remote_ip6[1];
	remote->word[2] = ctx->remote_ip6[2];
	remote->word[3] = ctx->remote_ip6[3] | remote4;
	if (ctx->family != AF_INET)
		return;
	local->word[2] = bpf_htonl(0x0000ffff);
	remote->word[2] = bpf_htonl(0x0000ffff);
}

/* The one at this address, or the one of all addresses of the family. */
static __always_inline struct direct_door *door_at(const struct direct_address *local, __u32 port,
						   __u32 family)
{
	struct direct_place place = { .address = *local, .port = port };
	struct direct_door *door = bpf_map_lookup_elem(&direct_doors, &place);

	if (door)
		return door;
	__builtin_memset(&place.address, 0, sizeof(place.address));
	if (family == AF_INET)
		place.address.word[2] = bpf_htonl(0x0000ffff);
	return bpf_map_lookup_elem(&direct_doors, &place);
}

static __always_inline bool listed(const struct direct_door *door, __u32 list,
				   const struct direct_address *remote)
{
	struct direct_network key = { .bits = DIRECT_NETWORK_BITS + 128,
				      .networks = door->networks,
				      .list = list,
				      .address = *remote };

	return bpf_map_lookup_elem(&direct_networks, &key);
}

static __always_inline bool may_call(const struct direct_door *door,
				     const struct direct_address *remote)
{
	if (!door->networks)
		return true;
	if (listed(door, LIST_DENY, remote))
		return false;
	return !door->allows || listed(door, LIST_ALLOW, remote);
}

/* The kernel drops a call for which there is no room. */
static __always_inline bool has_room(struct bpf_sock *listener)
{
	const struct sock *sk = (const struct sock *)bpf_skc_to_tcp_sock(listener);

	return sk && sk->sk_ack_backlog <= sk->sk_max_ack_backlog;
}

struct search {
	struct bpf_sk_lookup *ctx;
	const struct direct_door *door;
	__u32 count;
	__u32 at; /* drawn; below the sum of the weights */
	__u32 tried;
	__u32 why;
};

/* Up to the slot that was drawn nothing happens; from there on the first that can take the call gets it. */
static long try_slot(__u32 i, struct search *s)
{
	const struct direct_slot *slot = &s->door->slots[(i % s->count) & (DIRECT_SLOTS - 1)];
	struct bpf_sock *listener;
	__u32 key = slot->socket;
	bool room;
	long refused;

	if (!s->tried && s->at >= slot->until)
		return 0;
	if (s->tried >= s->count)
		return 1;
	s->tried++;
	listener = bpf_map_lookup_elem(&direct_sockets, &key);
	if (!listener)
		return 0;
	room = has_room(listener);
	refused = room ? bpf_sk_assign(s->ctx, listener, 0) : 1;
	bpf_sk_release(listener);
	if (refused) {
		s->why = room ? LEFT_UNFIT : LEFT_FULL;
		return 0;
	}
	s->why = LEFT_COUNT;
	return 1;
}

static __always_inline int give(struct bpf_sk_lookup *ctx, const struct direct_door *door,
				struct direct_tally *tally)
{
	__u32 random = bpf_get_prandom_u32(), zero = unknown_zero(random), all;
	struct search s = { .ctx = ctx, .door = door, .count = door->count };

	if (!s.count)
		return SK_PASS;
	all = door->slots[(s.count - 1) & (DIRECT_SLOTS - 1)].until;
	s.at = all ? random % all : 0;
	s.tried = zero;
	s.why = LEFT_GONE + zero;
	bpf_loop(2 * DIRECT_SLOTS, try_slot, &s, 0);
	if (s.why != LEFT_COUNT)
		return leave(tally, s.why);
	tally->given++;
	return SK_PASS;
}

SEC("sk_lookup")
int sidestep_direct(struct bpf_sk_lookup *ctx)
{
	struct direct_address local = {}, remote = {};
	struct direct_tally *tally;
	struct direct_door *door;

	/* Somebody else's program has spoken. */
	if (ctx->protocol != IPPROTO_TCP || ctx->sk)
		return SK_PASS;
	addresses(ctx, &local, &remote);
	door = door_at(&local, ctx->local_port, ctx->family);
	tally = door ? bpf_map_lookup_elem(&direct_tallies, &door->tally) : NULL;
	if (!tally)
		return SK_PASS;
	if (!may_call(door, &remote))
		return leave(tally, LEFT_DENIED);
	return give(ctx, door, tally);
}

/* The kernel lets only GPL-compatible programs look into sockets. */
char LICENSE[] SEC("license") = "GPL";
