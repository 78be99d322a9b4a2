// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * What user space asks for.
 *   sidestep_refresh      (syscall)   brings the TCP side of every pair up to date, for whoever is about to look,
 *                                     recalls the pairs of workloads that turned out unsafe, and judges pairs again
 *                                     after a change of switches or scope
 *   sidestep_iter_adopt   (iter/tcp)  puts live sockets into the sockhash, each at a quiet moment
 *   sidestep_iter_retire  (iter/tcp)  takes sockets out of the sockhash, each only when nothing of it can be lost;
 *                                     one run for each network namespace
 *   sidestep_iter_listen  (iter/tcp)  finds sockets that listened before the programs came
 *   sidestep_iter_process (iter/task) names every process as the programs name it
 *   sidestep_seed         (syscall)   adds what is known of a workload from before to its row
 */
#include "include/kernel.h"
#include "include/maps.h"
#include "lib/await.h"
#include "lib/brief.h"
#include "lib/gate.h"
#include "lib/habits.h"
#include "lib/identity.h"
#include "lib/placement.h"
#include "lib/scope.h"
#include "lib/states.h"
#include "lib/totals.h"

/* Kernel 6.5; resets the connection, with an error to both ends. */
extern int bpf_sock_destroy(struct sock_common *sk) __ksym __weak;

/* A workload that was caught on one connection is not trusted with the others that it has. */
static __always_inline void recall(struct sidestep_pair *pair, sidestep_pair_id id)
{
	__u32 reason = 0;

	if (!trusted(pair, SIDESTEP_CLIENT))
		reason = workload_hazard(&pair->end[SIDESTEP_CLIENT]);
	if (!reason && !trusted(pair, SIDESTEP_SERVER))
		reason = workload_hazard(&pair->end[SIDESTEP_SERVER]);
	if (!reason)
		return;
	send_back(pair, id, reason);
}

/* What the operator decided, and may decide otherwise; the rest is for good. */
static __always_inline bool revocable(const struct sidestep_pair *pair)
{
	switch (pair->reason) {
	case REASON_DISABLED:
	case REASON_OBSERVED:
	case REASON_EXCLUDED:
	case REASON_NOT_INCLUDED:
	case REASON_LEARNING:
	case REASON_STREAM:
	case REASON_BRIEF:
		return true;
	case REASON_BLOCKING:
		return pair->end[SIDESTEP_CLIENT].standing & STANDING_LENIENT ||
		       pair->end[SIDESTEP_SERVER].standing & STANDING_LENIENT;
	default:
		return false;
	}
}

/* Under new switches or another scope. What is to come back is learned, and so adopted at a quiet moment. */
static __always_inline void judge_again(struct sidestep_pair *pair, sidestep_pair_id id,
					const struct sidestep_settings *set)
{
	__u32 reason;

	if (pair->closed || pair->state == PAIR_LEAVING)
		return;
	reason = out_of_scope(pair, set);
	if (!set->enabled)
		reason = REASON_DISABLED;
	if (pair->state != PAIR_TCP) {
		if (!reason && observed(pair, set))
			reason = REASON_OBSERVED;
		if (reason)
			send_back(pair, id, reason);
		return;
	}
	if (!revocable(pair))
		return;
	if (reason && undecided(pair))
		count_connection(reason);
	/* These come by what they do; and at once when nobody is to look at that any more. */
	if (!reason && (pair->reason == REASON_STREAM || pair->reason == REASON_BRIEF))
		return;
	if (!reason && !(observed(pair, set) && pair->reason == REASON_OBSERVED))
		reason = REASON_LEARNING;
	if (reason)
		pair->reason = reason;
}

/* A brief connection that has gone on is adopted as one that was just opened. */
static __always_inline void begin_to_learn(struct sidestep_pair *pair,
					   const struct sidestep_settings *set,
					   struct sidestep_refreshed *found)
{
	if (pair->reason == REASON_BRIEF && goes_on(pair, set)) {
		pair->reason = REASON_LEARNING;
		pair->left_ns = bpf_ktime_get_ns();
	}
	found->streams += pair->reason == REASON_BRIEF;
}

static long refresh_pair(void *map, sidestep_pair_id *id, struct sidestep_pair *pair,
			 struct sidestep_refreshed *found)
{
	const struct sidestep_settings *set;
	const struct sock *sk;
	__u32 zero = 0;

	for (__u32 side = 0; side < 2; side++) {
		struct sidestep_endpoint *end = &pair->end[side];

		if (!end->sk || pair->closed & (1U << side))
			continue;
		sk = peek(end->sk, struct sock);
		end->tcp_sent = carried_by_tcp(sk);
		end->queued = see(sk, sk_backlog.rmem_alloc.counter);
		if (!end->inode && file_of(sk))
			end->inode = see(file_of(sk), f_inode, i_ino);
	}
	set = bpf_map_lookup_elem(&settings, &zero);
	if (set && pair->generation != set->generation)
		judge_again(pair, *id, set);
	if (set && !pair->closed && pair->state >= PAIR_LEAVING) {
		place_again(pair, set, found);
		begin_to_learn(pair, set, found);
		/* Also what another refresh moved on: whoever asks for this count is to see to it. */
		found->back +=
			pair->state == PAIR_TCP && pair->reason == REASON_LEARNING && pair->left_ns;
	}
	if (pair->state == PAIR_ACTIVE)
		recall(pair, *id);
	return 0;
}

SEC("syscall")
int sidestep_refresh(struct sidestep_refreshed *answer)
{
	struct sidestep_refreshed found = {};
	long err = bpf_for_each_map_elem(&pairs, refresh_pair, &found, 0);

	answer->streams = found.streams;
	answer->back = found.back;
	return err < 0;
}

/*
 * Removing a socket throws away what is unread in its psock, so it may leave only when
 *  - its own queues are empty, and
 *  - no send is under way that was judged before the switch to "pass": its own, whose target would lose its sender's
 *    record, and its peer's, which could still arrive here. A sendmsg holds a reference on its psock from start to
 *    end, beside the one of the map, so a count of one says that none is under way.
 * A peer without psock has left by the same rule. The row must come with the socket lock held; a kernel that runs
 * this iterator without the lock is told apart by looking, never by its version.
 *
 * The reader of a busy stream is hardly ever found with nothing to read. Once its sender is out, that is brought about:
 * with the sender's lock held nothing more can come, the reader reads what there is, and leaves in that moment.
 */
static __always_inline bool out_of_map(struct sidestep_retire *run, struct sidestep_pair *pair,
				       struct sidestep_end_key *key)
{
	if (bpf_map_delete_elem(&sockets, key))
		return false;
	run->removed++;
	if (!pair)
		return true;
	pair->end[key->side & 1].psock = 0;
	if (!pair->end[other(key->side)].psock)
		pair->state = PAIR_TCP;
	return true;
}

/* Is a send under way there, or a read? The lock of `own` is held, so none of either lasts long. */
static __always_inline bool calling(const struct tcp_sock *own, __u64 address)
{
	const struct sock *sk = peek(address, struct sock);
	const struct sk_psock *psock = psock_of(sk);

	/* But one that blocks may wait for ever. */
	return blocks(sk) ? psock && in_call(psock) : !await(own, address, NO_CALL);
}

/* This end is out of the map, and its lock is held. */
static __always_inline void let_peer_out(const struct tcp_sock *own, struct sidestep_retire *run,
					 struct sidestep_pair *pair, sidestep_pair_id id,
					 __u32 side)
{
	struct sidestep_end_key key = { .id = id, .side = other(side) };
	const struct sock *peer;
	__u64 address;

	if (!pair || pair->state != PAIR_LEAVING || pair->closed)
		return;
	address = pair->end[key.side & 1].sk;
	peer = peek(address, struct sock);
	if (!psock_of(peer) || see(peer, __sk_common.skc_state) != BPF_TCP_ESTABLISHED)
		return;
	/* A reader that waits inside its call would be woken there, and told that there is nothing. */
	if (blocks(peer) || !await(own, address, DRAINED))
		return;
	/* Whoever began to read meanwhile finds nothing, and nothing may come before it has gone. */
	if (out_of_map(run, pair, &key))
		await(own, address, OUTSIDE);
}

/* A reader that splices never sees what waits in its psock: an error within a second is better than silence for ever. */
static __always_inline bool stuck(const struct sidestep_pair *pair, __u32 side)
{
	return pair->end[side & 1].reads & READ_HAZARD && pair->hazard_ns &&
	       bpf_ktime_get_ns() - pair->hazard_ns > SIDESTEP_STUCK_NS;
}

static __always_inline void reset(struct sock_common *common, struct sidestep_retire *run,
				  struct sidestep_endpoint *end)
{
	/* Counted when the socket closes. */
	end->reads |= READ_CONDEMNED;
	if (bpf_sock_destroy)
		bpf_sock_destroy(common);
	run->reset++;
}

static __always_inline bool wanted(const struct sidestep_retire *run, sidestep_pair_id id,
				   const struct sidestep_pair *pair)
{
	return !run->only || run->only == id || (pair && pair->state == PAIR_LEAVING);
}

SEC("iter/tcp")
int sidestep_iter_retire(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct sidestep_end_key key = {};
	struct sidestep_retire *run;
	const struct sk_psock *psock;
	const struct tcp_sock *own;
	struct sidestep_flow *flow;
	struct sidestep_pair *pair;
	struct tcp_sock *tp;
	const struct sock *sk;
	bool marked = false, peer_in;
	__u32 zero = 0;

	run = bpf_map_lookup_elem(&retiring, &zero);
	tp = common ? bpf_skc_to_tcp_sock(common) : NULL;
	flow = tp ? bpf_sk_storage_get(&flows, tp, NULL, 0) : NULL;
	if (!run || !flow)
		return 0;
	run->tracked++;
	key.id = flow->id;
	key.side = flow->side & 1;
	pair = bpf_map_lookup_elem(&pairs, &key.id);
	if (!wanted(run, key.id, pair))
		return 0;
	if (pair && pair->state < PAIR_LEAVING) {
		pair->reason = REASON_LEAVING;
		pair->state = PAIR_LEAVING;
		marked = true;
	}

	if (pair && (pair->end[other(key.side)].reads & READ_ABANDONED ||
		     pair->end[key.side & 1].reads & READ_TORN)) {
		reset(common, run, &pair->end[key.side & 1]);
		return 0;
	}

	sk = peek(tp, struct sock);
	own = peek(tp, struct tcp_sock);
	psock = psock_of(sk);
	if (!see(sk, sk_lock.owned)) {
		run->unlocked += !!psock;
		return 0;
	}
	if (!psock) {
		let_peer_out(own, run, pair, key.id, key.side);
		return 0;
	}
	peer_in = pair && !(pair->closed & (1U << other(key.side)));
	if ((peer_in && calling(own, pair->end[other(key.side)].sk)) || in_call(psock)) {
		run->sending++;
		return 0;
	}
	if (!holds_nothing(psock)) {
		run->unread++;
		if (pair && stuck(pair, key.side))
			reset(common, run, &pair->end[key.side & 1]);
		return 0;
	}
	if (marked) {
		run->sending++;
		return 0;
	}
	if (out_of_map(run, pair, &key))
		let_peer_out(own, run, pair, key.id, key.side);
	return 0;
}

static __always_inline bool adoptable_end(const struct sidestep_pair *pair, __u32 side,
					  const struct sidestep_settings *set)
{
	const struct sidestep_endpoint *end = &pair->end[side];

	if (known_hazard(pair, side) || end->reads & READ_HAZARD)
		return false;
	if (end->reads & READ_BLOCKING && !(end->standing & STANDING_LENIENT))
		return false;
	return proven(end) || known_good(pair, side, set);
}

static __always_inline bool adoptable(const struct sidestep_pair *pair,
				      const struct sidestep_settings *set)
{
	return pair->state == PAIR_TCP && pair->reason == REASON_LEARNING && !pair->closed &&
	       adoptable_end(pair, SIDESTEP_CLIENT, set) &&
	       adoptable_end(pair, SIDESTEP_SERVER, set);
}

/*
 * A live socket may enter when its own receive queue is empty: what came before has been read, what comes now waits
 * for the lock and then joins the one queue. The gate holds redirects back until the peer has read what is on the way.
 */
static __always_inline bool quiet(const struct tcp_sock *tp, const struct sock *sk)
{
	return see(sk, __sk_common.skc_state) == BPF_TCP_ESTABLISHED &&
	       see(tp, copied_seq) == see(tp, rcv_nxt) && !see(sk, sk_receive_queue.qlen);
}

/* What this end has come to need of TCP since its handshake. 0: nothing. */
static __always_inline __u32 needs_tcp(const struct tcp_sock *tp, const struct sock *sk)
{
	if (uses_ulp(tp))
		return REASON_ULP;
	if (wants_tcp(sk) || wants_inq(sk))
		return REASON_SOCKET_OPTION;
	return got_urgent(tp) ? REASON_URGENT : 0;
}

SEC("iter/tcp")
int sidestep_iter_adopt(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcp_sock *tp = common ? bpf_skc_to_tcp_sock(common) : NULL;
	struct sidestep_flow *flow = tp ? bpf_sk_storage_get(&flows, tp, NULL, 0) : NULL;
	struct sidestep_end_key key = {};
	struct sidestep_settings *set;
	struct sidestep_endpoint *end;
	struct sidestep_pair *pair;
	const struct sock *sk;
	__u32 zero = 0, reason;

	set = bpf_map_lookup_elem(&settings, &zero);
	pair = flow ? bpf_map_lookup_elem(&pairs, &flow->id) : NULL;
	if (!set || !set->enabled || !flow || !pair || !adoptable(pair, set))
		return 0;
	if (observed(pair, set)) {
		pair->reason = REASON_OBSERVED;
		count_connection(REASON_OBSERVED);
		return 0;
	}
	key.id = flow->id;
	key.side = flow->side & 1;
	end = &pair->end[key.side];
	sk = peek(tp, struct sock);
	reason = needs_tcp(peek(tp, struct tcp_sock), sk);
	if (reason) {
		if (reason == REASON_URGENT)
			note_hazard(pair, other(key.side), reason);
		decide_against(pair, key.id, reason);
		return 0;
	}
	if (!end->psock) {
		if (!see(sk, sk_lock.owned) || !quiet(peek(tp, struct tcp_sock), sk) ||
		    refuses_blocking(pair, key.side, sk))
			return 0;
		if (bpf_map_update_elem(&sockets, &key, tp, BPF_NOEXIST)) {
			pair->reason = see(sk, sk_user_data) ? REASON_BUSY : REASON_NO_MEMORY;
			count_connection(pair->reason);
			if (!pair->end[other(key.side)].psock)
				return 0;
			send_back(pair, key.id, pair->reason);
			return 0;
		}
		end->psock = (__u64)psock_of(sk);
	}
	if (!pair->end[other(key.side)].psock)
		return 0;
	activate(pair, key.id);
	return 0;
}

/* The kernel cannot tell who made these: the agent adds process and name to rows without a pid. */
SEC("iter/tcp")
int sidestep_iter_listen(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	__u64 address = (__u64)common;

	if (common && common->skc_state == BPF_TCP_LISTEN && !find_listener(address))
		note_listener(address, false);
	return 0;
}

SEC("iter/task")
int sidestep_iter_process(struct bpf_iter__task *ctx)
{
	const struct task_struct *task = ctx->task ? peek(ctx->task, struct task_struct) : NULL;
	struct sidestep_workload workload = {};
	struct sidestep_process process = {};

	if (!task || see(task, pid) != see(task, tgid))
		return 0;
	process.workload = workload_of(task, &workload);
	if (!process.workload)
		return 0;
	process.exe_inode = workload.exe_inode;
	process.exe_changed = workload.exe_changed;
	process.exe_dev = workload.exe_dev;
	process.cgroup = workload.cgroup;
	process.pid = see(task, tgid);
	for (__u32 i = 0; i < SIDESTEP_COMM; i++)
		process.comm[i] = see(task, comm[i]);
	bpf_seq_write(ctx->meta->seq, &process, sizeof(process));
	return 0;
}

/* Field by field, so that nothing that the guard sees meanwhile is lost. */
SEC("syscall")
int sidestep_seed(struct sidestep_seed *seed)
{
	__u64 key = seed->workload;
	struct sidestep_workload *row = bpf_map_lookup_elem(&workloads, &key);

	seed->found = row != NULL;
	if (!row)
		return 0;
	if (seed->known)
		row->habits.known = seed->known;
	if (seed->blocking && !row->habits.blocking)
		row->habits.blocking = 1;
	if (seed->plain && !row->habits.plain)
		row->habits.plain = 1;
	if (seed->hazard && !row->habits.hazard)
		row->habits.hazard = seed->hazard;
	return 0;
}
