// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * What accelerators of this kind did before, as a measure: both ends of each connection go into a sockhash when they are
 * established, and each message goes to the other end. Nothing else: no look at who reads how, no bound, no order kept
 * with what TCP had on its way, no way out. It loses and hangs; only the benchmark loads it.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2

struct ends {
	__u32 near_address;
	__u32 far_address;
	__u32 near_port;
	__u32 far_port;
};

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 65536);
	__type(key, struct ends);
	__type(value, __u64);
} naive_sockets SEC(".maps");

SEC("sockops")
int naive_ops(struct bpf_sock_ops *ops)
{
	struct ends key = { .near_address = ops->local_ip4,
			    .far_address = ops->remote_ip4,
			    .near_port = ops->local_port,
			    .far_port = bpf_ntohl(ops->remote_port) };

	if (ops->family == AF_INET && (ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
				       ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB))
		bpf_sock_hash_update(ops, &naive_sockets, &key, BPF_NOEXIST);
	return 1;
}

SEC("sk_msg")
int naive_msg(struct sk_msg_md *msg)
{
	struct ends key = { .near_address = msg->remote_ip4,
			    .far_address = msg->local_ip4,
			    .near_port = bpf_ntohl(msg->remote_port),
			    .far_port = msg->local_port };

	if (msg->family == AF_INET)
		bpf_msg_redirect_hash(msg, &naive_sockets, &key, BPF_F_INGRESS);
	return SK_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
