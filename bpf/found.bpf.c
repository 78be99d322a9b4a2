// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * Connections whose handshake the programs did not see: open before the agent came, or opened while it was switched off.
 *   sidestep_iter_find   (iter/tcp)  tells of each established socket without a record which pair ids it could have
 *   sidestep_iter_track  (iter/tcp)  gives a record to those for which user space has found both ends
 */
#include "include/kernel.h"
#include "include/maps.h"
#include "lib/count.h"
#include "lib/eligible.h"
#include "lib/fingerprint.h"
#include "lib/hear.h"
#include "lib/identity.h"
#include "lib/states.h"

/*    A Sockets that sidestep_iter_track is to give a record, by address. Emptied after each batch. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct sidestep_found);
} found SEC(".maps");

/* Makes BTF for what no map mentions. */
const struct sidestep_untracked *layout_of_untracked;

static const struct sidestep_pair nothing;

static __always_inline const struct tcp_sock *established(struct sock_common *common)
{
	struct tcp_sock *tp = common ? bpf_skc_to_tcp_sock(common) : NULL;

	return tp && see(peek(tp, struct sock), __sk_common.skc_state) == BPF_TCP_ESTABLISHED
		       ? peek(tp, struct tcp_sock)
		       : NULL;
}

SEC("iter/tcp")
int sidestep_iter_find(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcp_sock *socket = common ? bpf_skc_to_tcp_sock(common) : NULL;
	const struct tcp_sock *tp = established(common);
	struct sidestep_untracked untracked = {};
	const struct sock *sk;

	if (!socket || !tp || bpf_sk_storage_get(&flows, socket, NULL, 0))
		return 0;
	sk = peek(socket, struct sock);
	/* In the map of somebody else, or of another layout until it is drained. */
	if (see(sk, sk_user_data))
		return 0;
	untracked.sk = (__u64)common;
	untracked.cgroup = see(sk, sk_cgrp_data.cgroup, kn, id);
	untracked.as_client = id_of(tp, SIDESTEP_CLIENT);
	untracked.as_server = id_of(tp, SIDESTEP_SERVER);
	bpf_seq_write(ctx->meta->seq, &untracked, sizeof(untracked));
	return 0;
}

/* What keeps this end on TCP for good. 0: nothing. */
static __always_inline __u32 unsuited(const struct sock *sk)
{
	const struct tcp_sock *tp = peek(sk, struct tcp_sock);

	if (is_mptcp(tp))
		return REASON_MPTCP;
	return file_of(sk) ? needs_tcp(tp, sk) : REASON_NO_FILE;
}

/* Both ends are there: it is judged as any other, and begins to be learned. */
static __always_inline void begin(struct sidestep_pair *pair, sidestep_pair_id id,
				  const struct sidestep_settings *set)
{
	const struct sock *client = peek(pair->end[SIDESTEP_CLIENT].sk, struct sock);
	const struct sock *server = peek(pair->end[SIDESTEP_SERVER].sk, struct sock);
	__u32 reason = unsuited(client);

	if (!reason)
		reason = unsuited(server);
	if (!reason)
		reason = out_of_scope(pair, set);
	pair->reason = reason ? reason : REASON_LEARNING;
	if (reason)
		count_connection(reason);
	emit(id, EVENT_REFUSED, pair->reason, NULL, NULL);
}

/* The row of the first end that comes says that the other is closed, until that one has come too. */
static __always_inline struct sidestep_pair *row_of(const struct sidestep_found *want)
{
	struct sidestep_pair *pair = bpf_map_lookup_elem(&pairs, &want->id), *fresh;
	__u32 zero = 0;

	if (pair)
		return pair->closed & (1U << want->side) && !pair->end[want->side & 1].sk ? pair
											  : NULL;
	fresh = bpf_map_lookup_elem(&scratch, &zero);
	if (!fresh)
		return NULL;
	__builtin_memset(fresh, 0, sizeof(*fresh));
	if (bpf_map_update_elem(&pairs, &want->id, fresh, BPF_NOEXIST))
		return NULL;
	pair = bpf_map_lookup_elem(&pairs, &want->id);
	if (!pair)
		return NULL;
	pair->closed = 1U << other(want->side);
	pair->opened_ns = bpf_ktime_get_ns();
	pair->reason = REASON_LEARNING;
	pair->state = PAIR_TCP;
	return pair;
}

SEC("iter/tcp")
int sidestep_iter_track(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcp_sock *socket = common ? bpf_skc_to_tcp_sock(common) : NULL;
	const struct tcp_sock *tp = established(common);
	__u64 address = (__u64)common;
	struct sidestep_found *want = bpf_map_lookup_elem(&found, &address);
	struct sidestep_flow flow = {};
	struct sidestep_settings *set;
	struct sidestep_pair *pair;
	const struct sock *sk;
	__u32 zero = 0;

	set = bpf_map_lookup_elem(&settings, &zero);
	if (!socket || !tp || !want || !set || !set->enabled)
		return 0;
	sk = peek(socket, struct sock);
	/* With its lock held nothing moves, and the id tells whether it is still the socket that was found. */
	if (id_of(tp, want->side) != want->id || bpf_sk_storage_get(&flows, socket, NULL, 0))
		return 0;
	if (!see(sk, sk_lock.owned)) {
		want->tracked = FOUND_UNABLE;
		return 0;
	}
	pair = row_of(want);
	if (!pair)
		return 0;
	flow.id = want->id;
	flow.side = want->side;
	if (!hear_of_its_end(socket) ||
	    !bpf_sk_storage_get(&flows, socket, &flow, BPF_SK_STORAGE_GET_F_CREATE)) {
		want->tracked = FOUND_UNABLE;
		/* Nobody else knows of this row unless the other end is there; that one ends it. */
		if (!pair->end[other(want->side)].sk)
			bpf_map_delete_elem(&pairs, &want->id);
		return 0;
	}
	describe(&pair->end[want->side & 1], sk);
	if (want->side == SIDESTEP_CLIENT)
		describe_call(pair, sk);
	want->tracked = FOUND_TRACKED;
	if (!pair->end[other(want->side)].sk)
		return 0;
	begin(pair, want->id, set);
	__sync_fetch_and_and(&pair->closed, ~(1U << want->side));
	return 0;
}
