// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * What the agent asks for.
 *   sidestep_mesh_self  (syscall)   remembers the process that calls it as the agent
 *   sidestep_mesh_dead  (iter/udp)  ends connected datagram sockets whose endpoint is gone; one run for each network
 *                                   namespace. The pick is on the socket, so none falls out of a table
 *                                   (lb-cleanup-misses-old-sockets)
 */
#include "include/kernel.h"
#include "include/mesh_maps.h"
#include "lib/peek.h"

/* Kernel 6.5. */
extern int bpf_sock_destroy(struct sock_common *sk) __ksym __weak;

SEC("syscall")
int sidestep_mesh_self(void *ctx)
{
	const struct task_struct *task = current_task();
	struct mesh_settings *set;
	__u32 zero = 0;

	set = bpf_map_lookup_elem(&mesh_settings, &zero);
	if (set)
		set->agent = see(task, tgid);
	return 0;
}

SEC("iter/udp")
int sidestep_mesh_dead(struct bpf_iter__udp *ctx)
{
	struct udp_sock *sk = ctx->udp_sk;
	const struct mesh_pick *pick = sk ? bpf_sk_storage_get(&picks, sk, NULL, 0) : NULL;
	const struct mesh_endpoint *endpoint;
	char ended = 1;

	if (!pick)
		return 0;
	endpoint = bpf_map_lookup_elem(&endpoints, &pick->endpoint);
	if (endpoint && endpoint->state != MESH_DOWN)
		return 0;
	/* Its program gets ECONNABORTED once. What is printed is how many there were. */
	if (bpf_sock_destroy && !bpf_sock_destroy((struct sock_common *)sk))
		bpf_seq_write(ctx->meta->seq, &ended, sizeof(ended));
	return 0;
}
