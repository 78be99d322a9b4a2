// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * SOCK_OPS: pairs the two ends of local connections by their handshake numbers and enrols them.
 *
 *   SYN received    (server, request socket)  -> its slot in half_open
 *   SYN-ACK received (client)                 -> id known here? then the peer is local: pair, enrol the client
 *   ACK received    (server)                  -> pair exists? enrol the server
 *   closed          (either)                  -> totals to the service edge; the last one removes the pair
 *
 * A connection whose other end is elsewhere has no slot in half_open: it gets no storage, no map entry and no verdict.
 */
#include "include/kernel.h"
#include "include/maps.h"
#include "lib/brief.h"
#include "lib/count.h"
#include "lib/eligible.h"
#include "lib/half_open.h"
#include "lib/identity.h"
#include "lib/states.h"
#include "lib/totals.h"

/* A pair is too large for the stack beside everything else. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sidestep_pair);
} scratch SEC(".maps");

static __noinline void syn_received(const struct sock *request)
{
	__u32 zero = 0;
	const struct sidestep_settings *set = bpf_map_lookup_elem(&settings, &zero);

	if (set && set->enabled)
		put_half_open(request);
}

/* Give this socket its record and ask to hear of its end. Returns a reason. */
static __always_inline __u32 track(struct bpf_sock_ops *ops, sidestep_pair_id id, __u32 side)
{
	struct sidestep_flow flow = { .id = id, .side = side };
	struct bpf_sock *sk = ops->sk;

	if (!sk || !bpf_sk_storage_get(&flows, sk, &flow, BPF_SK_STORAGE_GET_F_CREATE))
		return REASON_NO_MEMORY;
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	return REASON_REDIRECTED;
}

static __always_inline __u32 enrol(struct bpf_sock_ops *ops, const struct sock *sk,
				   struct sidestep_pair *pair, sidestep_pair_id id, __u32 side)
{
	struct sidestep_end_key key = { .id = id, .side = side };
	long err = bpf_sock_hash_update(ops, &sockets, &key, BPF_NOEXIST);

	switch (err) {
	case 0:
		pair->end[side & 1].psock = (__u64)psock_of(sk);
		return REASON_REDIRECTED;
	case -EBUSY: /* another map's message program owns the socket (dp-two-owners-busy) */
		return REASON_BUSY;
	case -E2BIG:
		return REASON_MAP_FULL;
	default:
		return REASON_NO_MEMORY;
	}
}

static __always_inline void refuse(struct sidestep_pair *pair, sidestep_pair_id id, __u32 reason)
{
	pair->state = PAIR_TCP;
	pair->reason = reason;
	if (!undecided(pair))
		count_connection(reason);
	if (reason == REASON_BRIEF && !brief_is_news(pair))
		return;
	emit(id, EVENT_REFUSED, reason, NULL, NULL);
}

/* What is known of the server before it is established: its listener, and where the SYN came in. */
static __always_inline void describe_listener(struct sidestep_endpoint *end,
					      const struct half_open *half,
					      const struct sidestep_listener *known)
{
	const struct sock *sk = peek(half->listener, struct sock);

	__builtin_memcpy(end->local, half->local, sizeof(end->local));
	end->netns = half->netns;
	end->uid = see(sk, sk_uid.val);
	end->port = see(sk, __sk_common.skc_num);
	if (!known) {
		note_listener(half->listener, false);
		return;
	}
	end->pid = known->pid;
	end->workload = known->workload;
	end->exe_inode = known->exe_inode;
	end->exe_dev = known->exe_dev;
	__builtin_memcpy(end->comm, known->comm, SIDESTEP_COMM);
}

/* Only whoever talks to this host is asked for, and gets a row. */
static __always_inline void describe_client(struct sidestep_endpoint *end, const struct sock *sk)
{
	const struct task_struct *caller = caller_of(sk);

	describe(end, sk);
	if (caller)
		name_end(end, caller);
}

static __noinline void client_established(struct bpf_sock_ops *ops, const struct sock *sk)
{
	__u32 zero = 0, reason;
	const struct sidestep_settings *set = bpf_map_lookup_elem(&settings, &zero);
	sidestep_pair_id id = pair_id(ops->snd_una - 1, ops->rcv_nxt - 1);
	struct half_open half = {};
	struct sidestep_listener *listener;
	struct sidestep_pair *pair;
	long err;

	if (!set)
		return;
	if (!read_half_open(id, &half) || !at_home(&half, &sk->__sk_common)) {
		/* With bytes in its SYN the server's end is there before the client's: no pair can be made. */
		reason = fast_open(peek(sk, struct tcp_sock)) ? REASON_FAST_OPEN : REASON_REMOTE;
		count_connection(set->enabled ? reason : REASON_DISABLED);
		return;
	}
	listener = find_listener(half.listener);
	if (at_a_glance(listener, set)) {
		replace_half_open(half.slot, half.held, half.held | GLANCED);
		return;
	}
	pair = bpf_map_lookup_elem(&scratch, &zero);
	if (!pair)
		return;
	__builtin_memset(pair, 0, sizeof(*pair));
	pair->opened_ns = bpf_ktime_get_ns();
	pair->listener = half.listener;
	describe_call(pair, sk);
	describe_client(&pair->end[SIDESTEP_CLIENT], sk);
	describe_listener(&pair->end[SIDESTEP_SERVER], &half, listener);
	reason = eligible(sk, peek(pair->listener, struct sock), pair, set);
	follow(pair, listener, reason, set);
	replace_half_open(half.slot, half.held, 0);
	err = bpf_map_update_elem(&pairs, &id, pair, BPF_NOEXIST);
	/* A twin has this id. */
	if (err == -EEXIST) {
		count_connection(REASON_REMOTE);
		return;
	}
	if (err) {
		count_connection(REASON_MAP_FULL);
		emit(id, EVENT_REFUSED, REASON_MAP_FULL, NULL, NULL);
		return;
	}
	pair = bpf_map_lookup_elem(&pairs, &id);
	if (!pair)
		return;
	if (track(ops, id, SIDESTEP_CLIENT)) {
		bpf_map_delete_elem(&pairs, &id);
		count_connection(REASON_NO_MEMORY);
		return;
	}
	if (!reason)
		reason = enrol(ops, sk, pair, id, SIDESTEP_CLIENT);
	if (reason)
		refuse(pair, id, reason);
}

static __noinline void server_established(struct bpf_sock_ops *ops, const struct sock *sk)
{
	__u32 zero = 0, reason;
	const struct sidestep_settings *set = bpf_map_lookup_elem(&settings, &zero);
	sidestep_pair_id id = pair_id(ops->rcv_nxt - 1, ops->snd_una - 1);
	__u64 held, *slot = find_half_open(id, &held);
	struct sidestep_pair *pair;

	if (!set)
		return;
	/* A client of this host has given the slot back, or made its mark; of any other there is no pair. */
	if (slot)
		replace_half_open(slot, held, 0);
	pair = slot ? NULL : bpf_map_lookup_elem(&pairs, &id);
	/* It has its server already, or waits for the one of another namespace. */
	if (pair && (pair->end[SIDESTEP_SERVER].sk ||
		     pair->end[SIDESTEP_SERVER].netns != see(sk, __sk_common.skc_net.net, ns.inum)))
		pair = NULL;
	if (!pair) {
		reason = slot && held & GLANCED ? REASON_BRIEF : REASON_REMOTE;
		count_connection(set->enabled ? reason : REASON_DISABLED);
		return;
	}
	describe(&pair->end[SIDESTEP_SERVER], sk);
	if (track(ops, id, SIDESTEP_SERVER)) {
		pair->closed |= 1 << SIDESTEP_SERVER;
		if (pair->state == PAIR_HALF)
			refuse(pair, id, REASON_NO_MEMORY);
		return;
	}
	if (pair->state != PAIR_HALF)
		return;
	reason = set->enabled ? enrol(ops, sk, pair, id, SIDESTEP_SERVER) : REASON_DISABLED;
	if (reason) {
		/* The client is in the map without a partner: it passes, and the agent takes it out. */
		count_connection(reason);
		send_back(pair, id, reason);
		return;
	}
	activate(pair, id);
}

static __noinline void listens(const struct sock *sk)
{
	note_listener((__u64)sk, true);
}

static __noinline void state_changed(struct bpf_sock_ops *ops, const struct sock *sk)
{
	struct bpf_sock *socket = ops->sk;
	__u32 state = ops->args[1];

	if (!socket)
		return;
	if (state == BPF_TCP_CLOSE)
		end_closed(socket, sk);
	else if (state == BPF_TCP_FIN_WAIT1 || state == BPF_TCP_LAST_ACK)
		end_closing(socket, sk);
}

/*
 * The kernel asks much more than we answer, and half of what a connection brings here is for nothing. So this is short,
 * and what there is to do stands elsewhere.
 */
SEC("sockops")
int sidestep_sock_ops(struct bpf_sock_ops *ops)
{
	const struct bpf_sock_ops_kern *kern = kernel_context(ops);

	switch (ops->op) {
	case BPF_SOCK_OPS_TIMEOUT_INIT:
		if (!ops->is_fullsock)
			syn_received(see(kern, sk));
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		remember_caller(see(kern, sk));
		break;
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		listens(see(kern, sk));
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		client_established(ops, see(kern, sk));
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		server_established(ops, see(kern, sk));
		break;
	case BPF_SOCK_OPS_STATE_CB:
		state_changed(ops, see(kern, sk));
		break;
	default:
		break;
	}
	return 1;
}
