// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * Who asks with ioctl(FIONREAD) how much there is to read? In mode split the answer leaves out what went around TCP, so
 * whoever asks is sent back to TCP. Loaded in that mode only, and only one of the two:
 *   sidestep_ioctl        (fentry)      sees ioctls of sockets alone
 *   sidestep_ioctl_call   (tracepoint)  for kernels without fentry; it slows every system call of the host a little
 */
#include "include/kernel.h"
#include "include/maps.h"
#include "lib/identity.h"

struct asked {
	sidestep_pair_id id;
	__u32 side;
	__u32 pad;
};

/* A row of `pairs` is this socket's when it holds its address; its id may have been made from numbers on the move. */
static __always_inline struct sidestep_pair *pair_at(const struct asked *asked,
						     const struct sock *sk)
{
	struct sidestep_pair *pair = bpf_map_lookup_elem(&pairs, &asked->id);

	return pair && pair->end[asked->side & 1].sk == (__u64)sk ? pair : NULL;
}

/*
 * Storage cannot be reached from a bare address. The handshake numbers can still be told from where both streams stand:
 * the SYN counts as a byte that was acknowledged, but only to the side that sent it first.
 */
static __always_inline struct sidestep_pair *find_pair(const struct sock *sk, struct asked *asked)
{
	const struct tcp_sock *tp = peek(sk, struct tcp_sock);
	__u32 own = see(tp, snd_una) - (__u32)see(tp, bytes_acked);
	__u32 peer = see(tp, rcv_nxt) - (__u32)see(tp, bytes_received) - 1;
	struct sidestep_pair *pair;

	asked->id = (__u64)own << 32 | peer;
	asked->side = SIDESTEP_CLIENT;
	pair = pair_at(asked, sk);
	if (pair)
		return pair;
	asked->id = (__u64)peer << 32 | (own - 1);
	asked->side = SIDESTEP_SERVER;
	return pair_at(asked, sk);
}

static __always_inline void count_asked(const struct file *file)
{
	const struct socket *socket = peek(see(file, private_data), struct socket);
	const struct sock *sk = peek(see(socket, sk), struct sock);
	struct sidestep_endpoint *end;
	struct sidestep_pair *pair;
	struct asked asked = {};

	if (see(sk, sk_protocol) != IPPROTO_TCP)
		return;
	if (!(see(peek(sk, struct tcp_sock), bpf_sock_ops_cb_flags) & BPF_SOCK_OPS_STATE_CB_FLAG))
		return;
	pair = find_pair(sk, &asked);
	if (!pair)
		return;
	end = &pair->end[asked.side & 1];
	if (!(end->reads & READ_NAMED))
		name_reader(pair, end, asked.side & 1);
	hazard(pair, asked.id, asked.side & 1, REASON_FIONREAD);
}

SEC("fentry/sock_ioctl")
int sidestep_ioctl(__u64 *ctx)
{
	if ((__u32)ctx[1] == FIONREAD)
		count_asked(peek(ctx[0], struct file));
	return 0;
}

/* The file behind a descriptor of the process that runs now, if it is a socket. */
static __always_inline const struct file *socket_file(__u32 fd)
{
	const struct task_struct *task = current_task();
	const struct fdtable *table = peek(see(task, files, fdt), struct fdtable);
	struct file *file = NULL;

	if (fd >= see(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), see(table, fd) + fd);
	if (!file || (see(peek(file, struct file), f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	return peek(file, struct file);
}

SEC("tp_btf/sys_enter")
int sidestep_ioctl_call(__u64 *ctx)
{
	const struct pt_regs *x86 = peek(ctx[0], struct pt_regs);
	const struct pt_regs___arm64 *arm = peek(ctx[0], struct pt_regs___arm64);
	bool is_x86 = bpf_core_field_exists(x86->orig_ax);
	const struct file *file;

	if (ctx[1] != (is_x86 ? 16 : 29) ||
	    (__u32)(is_x86 ? see(x86, si) : see(arm, regs[1])) != FIONREAD)
		return 0;
	file = socket_file(is_x86 ? see(x86, di) : see(arm, regs[0]));
	if (file)
		count_asked(file);
	return 0;
}
