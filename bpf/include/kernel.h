/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The kernel types that our programs read, by hand: only the fields used. Offsets are relocated at load (CO-RE),
 * so the order here means nothing and a field that moves costs nothing.
 */
#ifndef SIDESTEP_KERNEL_H
#define SIDESTEP_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#define AF_INET 2
#define SOL_TCP 6
#define AF_INET6 10
#define O_NONBLOCK 04000
#define E2BIG 7
#define EEXIST 17
#define RCV_SHUTDOWN 1
#define SEND_SHUTDOWN 2
#define EBUSY 16
#define FIONREAD 0x541B
#define IPPROTO_TCP 6
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define NULL ((void *)0)

/* Not our layouts: padding here is of no interest. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpadded"
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic64_t;

typedef struct {
	atomic_t refs;
} refcount_t;

typedef struct {
	__u32 val;
} kuid_t;

struct bpf_shtab {
	atomic_t count;
};

struct list_head {
	struct list_head *next, *prev;
};

struct super_block {
	__u32 s_dev;
};

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
	struct super_block *i_sb;
	__s64 i_ctime_sec; /* kernel 6.11 */
	__u32 i_ctime_nsec;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct inode___v66 {
	struct timespec64 __i_ctime;
};

struct inode___v61 {
	struct timespec64 i_ctime;
};

struct file {
	unsigned int f_flags;
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct sock;

struct socket {
	struct file *file;
	struct sock *sk;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct kernfs_node {
	__u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct in6_addr {
	union {
		__u32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	union {
		struct {
			__u32 skc_daddr;
			__u32 skc_rcv_saddr;
		};
	};
	union {
		struct {
			__u16 skc_dport;
			__u16 skc_num;
		};
	};
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	unsigned char skc_reuseport : 1;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	union {
		struct sock *skc_listener; /* of a request socket */
		unsigned long skc_flags;   /* of any other */
	};
};

typedef struct {
	int owned;
} socket_lock_t;

struct sk_buff {
	struct sock *sk;
	char cb[48]; /* of a packet that TCP has queued: tcp_skb_cb */
};

struct tcp_skb_cb {
	__u32 seq, end_seq;
};

struct sk_buff_head {
	union {
		struct {
			struct sk_buff *next, *prev;
		};
	};
	__u32 qlen;
};

struct bpf_prog_aux {
	__u32 id;
	char name[16];
};

struct bpf_prog {
	enum bpf_prog_type type;
	struct bpf_prog_aux *aux;
};

struct sock_reuseport {
	__u16 num_socks;
	unsigned int reuseport_id;
	struct bpf_prog *prog;
};

struct net_device {
	unsigned int flags;
};

struct dst_entry {
	struct net_device *dev;
};

struct wait_queue_head {
	struct list_head head;
};

struct wait_queue_entry {
	void *private;
	struct list_head entry;
};

struct socket_wq {
	struct wait_queue_head wait;
};

struct eventpoll {
	struct wait_queue_head wq;
	struct wait_queue_head poll_wait;
};

struct epitem {
	struct eventpoll *ep;
};

struct eppoll_entry {
	struct epitem *base;
	struct wait_queue_entry wait;
};

struct sock {
	struct sock_common __sk_common;
	struct sk_buff_head sk_receive_queue;
	struct {
		atomic_t rmem_alloc;
	} sk_backlog;
	int sk_rcvbuf;
	int sk_sndbuf;
	struct socket_wq *sk_wq;
	struct dst_entry *sk_dst_cache;
	int sk_rcvlowat;
	int sk_err;
	__u32 sk_tsflags;
	__s32 sk_peek_off;
	struct socket *sk_socket;
	socket_lock_t sk_lock;
	kuid_t sk_uid;
	void *sk_user_data;
	struct sock_cgroup_data sk_cgrp_data;
	__u8 sk_shutdown;
	__u16 sk_protocol;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
	struct sock_reuseport *sk_reuseport_cb;
};

enum sock_flags {
	/* relocated */
	SOCK_URGINLINE = 2,
	SOCK_RCVTSTAMP = 12,
	SOCK_ZEROCOPY = 18,
};

struct inet_sock {
	struct sock sk;
};

struct request_sock;

struct request_sock_queue {
	struct request_sock *rskq_accept_head;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct request_sock_queue icsk_accept_queue;
	const void *icsk_ulp_ops;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 copied_seq;
	__u32 write_seq;
	__u32 rcv_nxt;
	__u32 snd_nxt;
	__u32 snd_una;
	__u64 bytes_acked;
	__u64 bytes_received;
	__u64 bytes_sent;
	__u64 bytes_retrans;
	__u32 data_segs_out;
	__u32 urg_seq;
	__u8 bpf_sock_ops_cb_flags;
	__u8 ecn_flags;
	__u8 recvmsg_inq : 1;
	__u8 syn_data : 1;
	__u8 syn_fastopen : 1;
	bool is_mptcp;
};

struct request_sock {
	struct sock_common __req_common;
};

struct tcp_request_sock {
	__u64 snt_synack; /* microseconds of CLOCK_MONOTONIC; 0 with SYN cookies */
	__u32 rcv_isn;
	__u32 snt_isn;
};

struct sk_msg {
	struct sk_buff *skb; /* NULL: redirected */
	struct list_head list;
};

struct sk_psock {
	struct sk_buff_head ingress_skb;
	struct list_head ingress_msg;
	__u32 msg_tot_len;
	refcount_t refcnt;
};

struct bpf_sock_ops_kern {
	struct sock *sk;
};

struct sk_reuseport_kern {
	struct sock *sk;
	__u32 reuseport_id;
};

struct udp_sock {
	struct inet_sock inet;
	struct sk_buff_head reader_queue;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct mm_struct {
	struct file *exe_file;
};

struct pt_regs {
	unsigned long orig_ax; /* x86: number of the system call */
	unsigned long di;
	unsigned long si;
};

struct pt_regs___arm64 {
	__u64 regs[2];
	int syscallno;
};

#define PF_IO_WORKER 0x10

struct task_struct {
	unsigned int flags;
	struct mm_struct *mm;
	struct files_struct *files;
	struct css_set *cgroups;
	int pid;
	int tgid;
	struct task_struct *group_leader;
	char comm[16];
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
};

struct bpf_iter__tcp {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct sock_common *sk_common;
	};
};

struct bpf_iter__udp {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct udp_sock *udp_sk;
	};
};

#pragma clang attribute pop
#pragma clang diagnostic pop

#endif
