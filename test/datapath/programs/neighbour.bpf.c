// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * Somebody else on our hooks, as tracers and service meshes are: each local connection goes into a map of their own, with
 * or without a program on its messages; callbacks are asked for without keeping those of others; and receive buffers are
 * kept small, whatever a program asks for.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} their_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} their_counts SEC(".maps");

static __always_inline void count(__u32 what)
{
	__u64 *value = bpf_map_lookup_elem(&their_counts, &what);

	if (value)
		__sync_fetch_and_add(value, 1);
}

static __always_inline int established(struct bpf_sock_ops *ops)
{
	return ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB || ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB;
}

SEC("sockops")
int their_holder(struct bpf_sock_ops *ops)
{
	__u64 key;

	if (!established(ops))
		return 1;
	key = bpf_get_socket_cookie(ops);
	if (!bpf_sock_hash_update(ops, &their_sockets, &key, BPF_NOEXIST))
		count(0);
	return 1;
}

SEC("sockops")
int their_flags(struct bpf_sock_ops *ops)
{
	if (established(ops))
		bpf_sock_ops_cb_flags_set(ops, BPF_SOCK_OPS_RTO_CB_FLAG);
	return 1;
}

#define SOL_SOCKET 1
#define SO_RCVBUF 8
#define MOST_BUFFER 65536

SEC("cgroup/setsockopt")
int their_option(struct bpf_sockopt *ctx)
{
	int *value = ctx->optval;

	if (ctx->level != SOL_SOCKET || ctx->optname != SO_RCVBUF)
		return 1;
	/* Whoever shows them less than was set would have it refused. */
	if (ctx->optlen < (int)sizeof(*value) || (void *)(value + 1) > ctx->optval_end)
		return 0;
	if (*value > MOST_BUFFER)
		*value = MOST_BUFFER;
	return 1;
}

SEC("sk_msg")
int their_message(struct sk_msg_md *msg)
{
	count(1);
	return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
