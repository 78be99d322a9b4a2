/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Reading kernel sockets: peek() makes a typed pointer of an address, see() reads through it, field after field.
 *
 *   see(peek(address, struct sock), sk_socket, file, f_flags)     what C calls sk->sk_socket->file->f_flags
 *
 * Such a read cannot fault: an address that has gone stale reads as something else or as zero, never as a crash. What
 * is read this way may decide "pass", and may decide "redirect" only where the sockhash confirms the peer afterwards.
 *
 * Since Linux 6.2 bpf_rdonly_cast makes a pointer whose plain loads cannot fault. Where it is missing, each read is a
 * call of bpf_probe_read_kernel, which promises the same and costs more. Built twice (Makefile); the addon tries which
 * one this kernel takes.
 */
#ifndef SIDESTEP_PEEK_H
#define SIDESTEP_PEEK_H

#include "../include/kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#ifndef SIDESTEP_PROBE_READS

extern void *bpf_cast_to_kern_ctx(void *obj) __ksym;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

#define peek(address, type) \
	((const type *)bpf_rdonly_cast((const void *)(address), bpf_core_type_id_kernel(type)))
/* A socket that the context gave, and its address as it was kept: the verifier lets nobody calculate with the first. */
#define peek_own(given, address) peek(given, struct sock)
#define see(pointer, ...) (___arrow(pointer, __VA_ARGS__))
/* For bit fields, and for fields that are not of the same size everywhere. */
#define see_bits(pointer, field) BPF_CORE_READ_BITFIELD(pointer, field)
#define kernel_context(context) bpf_cast_to_kern_ctx(context)

#else

#define peek(address, type) ((const type *)(address))
#define peek_own(given, address) peek(address, struct sock)
#define see(pointer, ...)                                               \
	({                                                              \
		__typeof_unqual__(___arrow(pointer, __VA_ARGS__)) seen; \
		BPF_CORE_READ_INTO(&seen, pointer, __VA_ARGS__);        \
		seen;                                                   \
	})
#define see_bits(pointer, field) BPF_CORE_READ_BITFIELD_PROBED(pointer, field)
/* At run time a context is its kernel's own. */
#define kernel_context(context) ((void *)(context))

#endif

/* sk_user_data carries flags in its low bits (include/linux/skmsg.h: SK_USER_DATA_PTRMASK). */
#define USER_DATA_MASK (~7UL)

static __always_inline const struct task_struct *current_task(void)
{
	return peek(bpf_get_current_task(), struct task_struct);
}

static __always_inline const struct file *file_of(const struct sock *sk)
{
	const struct socket *socket = see(sk, sk_socket);

	return socket ? see(socket, file) : NULL;
}

static __always_inline bool blocks(const struct sock *sk)
{
	const struct file *file = file_of(sk);

	return !file || !(see(file, f_flags) & O_NONBLOCK);
}

static __always_inline const struct sk_psock *psock_of(const struct sock *sk)
{
	unsigned long address = (unsigned long)see(sk, sk_user_data) & USER_DATA_MASK;

	return address ? peek(address, struct sk_psock) : NULL;
}

/*
 * Unread bytes that a reader would find now. The end of the stream waits in the queue as well, as a message of none; a socket that leaves knows of it
 * by itself. Before the count, which came with the FIONREAD repair, the list alone tells; a moment after close() it is empty.
 */
static __always_inline bool holds_bytes(const struct sk_psock *psock)
{
	if (bpf_core_field_exists(psock->msg_tot_len))
		return see(psock, msg_tot_len) != 0;
	return see(psock, ingress_msg.next) != &psock->ingress_msg;
}

/* A call holds a reference on its psock from start to end, beside the one of the map. */
static __always_inline bool in_call(const struct sk_psock *psock)
{
	return see(psock, refcnt.refs.counter) > 1;
}

static __always_inline bool holds_nothing(const struct sk_psock *psock)
{
	return !see(psock, ingress_skb.qlen) && !holds_bytes(psock);
}

#define flag_bit(flag) (1UL << (bpf_core_enum_value(enum sock_flags, flag) & 63))

/* What these promise, the reader and writer of sockets in a map do not keep. */
static __always_inline bool wants_tcp(const struct sock *sk)
{
	unsigned long flags = see(sk, __sk_common.skc_flags);

	return flags & flag_bit(SOCK_ZEROCOPY) || flags & flag_bit(SOCK_URGINLINE) ||
	       flags & flag_bit(SOCK_RCVTSTAMP) || see_bits(sk, sk_tsflags) ||
	       see(sk, sk_rcvlowat) > 1 ||
	       (bpf_core_field_exists(sk->sk_peek_off) && see(sk, sk_peek_off) >= 0);
}

static __always_inline bool wants_inq(const struct sock *sk)
{
	const struct tcp_sock *tp = peek(sk, struct tcp_sock);

	return see_bits(tp, recvmsg_inq);
}

/* With payload, that it has sent. */
static __always_inline __u32 segments_of(const struct sock *sk)
{
	return see(peek(sk, struct tcp_sock), data_segs_out);
}

/* Of a socket that was never sent an urgent byte it is zero. */
static __always_inline bool got_urgent(const struct tcp_sock *tp)
{
	return see(tp, urg_seq) != 0;
}

static __always_inline bool uses_ulp(const struct tcp_sock *tp)
{
	return see(tp, inet_conn.icsk_ulp_ops) != NULL;
}

/* Bits move between kernels: a plain access would be relocated to the right byte and the wrong bit. */
static __always_inline bool fast_open(const struct tcp_sock *tp)
{
	return see_bits(tp, syn_data) || see_bits(tp, syn_fastopen);
}

static __always_inline bool is_mptcp(const struct tcp_sock *tp)
{
	/* The field is only there with CONFIG_MPTCP. */
	return bpf_core_field_exists(tp->is_mptcp) && see(tp, is_mptcp);
}

#endif
