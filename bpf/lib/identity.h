/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Who an end is, taken from its own socket and its own system call, never from the peer. */
#ifndef SIDESTEP_IDENTITY_H
#define SIDESTEP_IDENTITY_H

#include "../include/maps.h"
#include "peek.h"
#include "repute.h"

/*
 * The task that is calling connect() on this CPU. On one host the whole handshake usually runs inside that call, so
 * the slot is still right when the connection is established; the socket's address tells when it is not.
 * A slot, not a map entry: a connection to a remote host leaves nothing behind. Who the task is is read when somebody
 * asks, which most connections do not.
 */
struct caller {
	__u64 sk;
	__u64 task;
	__u32 pid; /* of the task: it may have gone since, and its memory have another */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct caller);
} callers SEC(".maps");

static __always_inline __u32 process_of(const struct task_struct *task, char *comm)
{
	const struct task_struct *leader = see(task, group_leader);

	for (__u32 i = 0; i < SIDESTEP_COMM; i++)
		comm[i] = see(leader, comm[i]);
	return see(task, tgid);
}

/* When anything of the file was last changed, in ns since the epoch. The field was renamed twice. */
static __always_inline __u64 changed(const struct inode *inode)
{
	const struct inode___v66 *v66 = (const void *)inode;

	/* A bit beyond a second's worth of nanoseconds is a flag of the kernel's own. */
	if (bpf_core_field_exists(inode->i_ctime_sec))
		return see(inode, i_ctime_sec) * 1000000000ULL +
		       (see(inode, i_ctime_nsec) & 0x3fffffff);
	if (bpf_core_field_exists(v66->__i_ctime))
		return see(peek(inode, struct inode___v66), __i_ctime.tv_sec) * 1000000000ULL +
		       (see(peek(inode, struct inode___v66), __i_ctime.tv_nsec) & 0x3fffffff);
	return see(peek(inode, struct inode___v61), i_ctime.tv_sec) * 1000000000ULL +
	       see(peek(inode, struct inode___v61), i_ctime.tv_nsec);
}

/* A number for executable + cgroup of a task. 0: a kernel thread. */
static __always_inline __u64 workload_of(const struct task_struct *task,
					 struct sidestep_workload *workload)
{
	const struct mm_struct *mm = see(task, mm);
	const struct file *file = mm ? see(mm, exe_file) : NULL;
	const struct inode *exe;

	if (!file)
		return 0;
	exe = see(file, f_inode);
	workload->exe_inode = see(exe, i_ino);
	workload->exe_changed = changed(exe);
	workload->exe_dev = see(exe, i_sb, s_dev);
	workload->cgroup = see(task, cgroups, dfl_cgrp, kn, id);
	return (workload->exe_inode * 0x9e3779b97f4a7c15ULL) ^
	       (workload->exe_changed * 0x165667b19e3779f9ULL) ^
	       (workload->cgroup * 0xc2b2ae3d27d4eb4fULL) ^ ((__u64)workload->exe_dev << 20) ^ 1;
}

static __always_inline void remember_caller(const struct sock *sk)
{
	__u32 zero = 0;
	struct caller *caller = bpf_map_lookup_elem(&callers, &zero);
	const struct task_struct *task = current_task();

	if (!caller)
		return;
	caller->sk = (__u64)sk;
	caller->task = (__u64)task;
	caller->pid = see(task, pid);
}

/* NULL: not known, or it has ended. */
static __always_inline const struct task_struct *caller_of(const struct sock *sk)
{
	__u32 zero = 0;
	const struct caller *caller = bpf_map_lookup_elem(&callers, &zero);
	const struct task_struct *task;

	if (!caller || caller->sk != (__u64)sk)
		return NULL;
	task = peek(caller->task, struct task_struct);
	return (__u32)see(task, pid) == caller->pid ? task : NULL;
}

/* This end belongs to this task, which gets a row. Returns the row; NULL: a kernel thread, or there is no room. */
static __always_inline struct sidestep_workload *name_end(struct sidestep_endpoint *end,
							  const struct task_struct *task)
{
	struct sidestep_workload workload = {};

	end->workload = workload_of(task, &workload);
	end->pid = process_of(task, end->comm);
	if (!end->workload)
		return NULL;
	end->exe_inode = workload.exe_inode;
	end->exe_dev = workload.exe_dev;
	workload.pid = end->pid;
	__builtin_memcpy(workload.comm, end->comm, SIDESTEP_COMM);
	return meet(end->workload, &workload);
}

/* A row may be of an earlier listener at the same address: the inode number tells. */
static __always_inline struct sidestep_listener *find_listener(__u64 address)
{
	struct sidestep_listener *known = bpf_map_lookup_elem(&listeners, &address);
	const struct file *file;

	if (!known)
		return NULL;
	file = file_of(peek(address, struct sock));
	return file && see(file, f_inode, i_ino) == known->inode ? known : NULL;
}

/* `own`: the process that runs now has just made it. One from before begins without a name, which user space adds. */
static __always_inline void note_listener(__u64 address, bool own)
{
	const struct file *file = file_of(peek(address, struct sock));
	struct sidestep_listener listener = {};
	struct sidestep_workload workload = {};

	if (!file)
		return;
	listener.inode = see(file, f_inode, i_ino);
	if (own) {
		listener.workload = workload_of(current_task(), &workload);
		listener.exe_inode = workload.exe_inode;
		listener.exe_dev = workload.exe_dev;
		listener.pid = process_of(current_task(), listener.comm);
		workload.pid = listener.pid;
		__builtin_memcpy(workload.comm, listener.comm, SIDESTEP_COMM);
		meet(listener.workload, &workload);
	}
	bpf_map_update_elem(&listeners, &address, &listener, BPF_ANY);
}

static __always_inline void put_v4(__u8 *address, __u32 v4)
{
	__u32 *words = (__u32 *)address;

	words[2] = __builtin_bswap32(0x0000ffff);
	words[3] = v4;
}

static __always_inline void put_v6(__u8 *address, const struct in6_addr *v6)
{
	__u32 *words = (__u32 *)address;

	words[0] = see(v6, in6_u.u6_addr32[0]);
	words[1] = see(v6, in6_u.u6_addr32[1]);
	words[2] = see(v6, in6_u.u6_addr32[2]);
	words[3] = see(v6, in6_u.u6_addr32[3]);
}

static __always_inline void put_local(__u8 *address, const struct sock_common *common)
{
	if (see(common, skc_family) == AF_INET)
		put_v4(address, see(common, skc_rcv_saddr));
	else
		put_v6(address, &common->skc_v6_rcv_saddr);
}

/* Where the client wanted to go; the server may be elsewhere, behind NAT. */
static __always_inline void describe_call(struct sidestep_pair *pair, const struct sock *client)
{
	const struct sock_common *common = &client->__sk_common;

	if (see(common, skc_family) == AF_INET)
		put_v4(pair->dialled, see(common, skc_daddr));
	else
		put_v6(pair->dialled, &common->skc_v6_daddr);
	pair->dialled_port = __builtin_bswap16(see(common, skc_dport));
}

static __always_inline void describe(struct sidestep_endpoint *end, const struct sock *sk)
{
	const struct sock_common *common = &sk->__sk_common;
	const struct file *file = file_of(sk);

	end->family = see(common, skc_family);
	put_local(end->local, common);
	end->sk = (__u64)sk;
	end->port = see(common, skc_num);
	end->cgroup = see(sk, sk_cgrp_data.cgroup, kn, id);
	end->netns = see(common, skc_net.net, ns.inum);
	end->uid = see(sk, sk_uid.val);
	end->inode = file ? see(file, f_inode, i_ino) : 0;
}

#endif
