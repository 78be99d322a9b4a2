// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * An object of its own: takes sockets out of the map that a version with another layout made. It knows of that version
 * only what never changes: the key of `sockets`, and that a zero in the second word of the settings stops all redirects.
 *
 * The rule is that of sidestep_iter_retire (nothing unread, no send under way that was judged before the switch), but
 * without records: the key is rebuilt from the socket, and whether the peer was seen between two sends since the switch
 * is remembered under its key.
 */
#include "include/kernel.h"
#include "include/layout.h"
#include "lib/fingerprint.h"

/* Stands for the map of the other version, which takes its place at load. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 1);
	__type(key, struct sidestep_end_key);
	__type(value, __u64);
} sockets SEC(".maps");

/* Ends that were seen without a send under way. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 22);
	__type(key, struct sidestep_end_key);
	__type(value, __u8);
} idle SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sidestep_retire);
} leaving SEC(".maps");

/* include/linux/skmsg.h: what sk_user_data points to is a psock. */
#define USER_DATA_PSOCK 4UL

static __always_inline bool peer_is_idle(const struct sidestep_end_key *key, const struct sock *sk)
{
	struct sidestep_end_key peer = { .id = key->id, .side = (key->side ^ 1) & 1 };

	/* A peer that has closed sends nothing more. */
	return see(sk, __sk_common.skc_state) != BPF_TCP_ESTABLISHED ||
	       bpf_map_lookup_elem(&idle, &peer);
}

static __always_inline void take_out(struct sidestep_retire *run, const struct tcp_sock *tp,
				     const struct sock *sk, bool quiet)
{
	__u8 yes = 1;

	for (__u32 side = 0; side < 2; side++) {
		struct sidestep_end_key key = { .id = id_of(tp, side), .side = side };

		bpf_map_update_elem(&idle, &key, &yes, BPF_ANY);
		if (quiet && peer_is_idle(&key, sk) && !bpf_map_delete_elem(&sockets, &key)) {
			run->removed++;
			return;
		}
	}
}

SEC("iter/tcp")
int sidestep_iter_leave(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcp_sock *socket = common ? bpf_skc_to_tcp_sock(common) : NULL;
	struct sidestep_retire *run;
	const struct sk_psock *psock;
	const struct sock *sk;
	__u32 zero = 0;
	bool quiet;

	run = bpf_map_lookup_elem(&leaving, &zero);
	if (!run || !socket)
		return 0;
	sk = peek(socket, struct sock);
	if (!((unsigned long)see(sk, sk_user_data) & USER_DATA_PSOCK))
		return 0;
	psock = psock_of(sk);
	if (!psock)
		return 0;
	if (!see(sk, sk_lock.owned)) {
		run->unlocked++;
		return 0;
	}
	if (in_call(psock)) {
		run->sending++;
		return 0;
	}
	quiet = holds_nothing(psock);
	if (!quiet)
		run->unread++;
	take_out(run, peek(socket, struct tcp_sock), sk, quiet);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
