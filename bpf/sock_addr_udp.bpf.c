// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * CGROUP_SOCK_ADDR, datagrams: sendto() a virtual address goes to an endpoint, and recvfrom() says that the answer came
 * from the virtual address. A socket keeps its endpoint for as long as it uses it and the endpoint lives, so
 * that questions which belong together are not torn apart, and nobody talks to the dead (lb-oneway-udp-blackhole).
 */
#include "lib/mesh_translate.h"

static __always_inline bool usable(const struct mesh_pick *flow, __u64 now)
{
	const struct mesh_endpoint *endpoint = bpf_map_lookup_elem(&endpoints, &flow->endpoint);

	return endpoint && endpoint->state != MESH_DOWN && now - flow->at_ns < MESH_FLOW_NS;
}

/* Answers of an address that is now used directly are no longer those of a service (lb-reverse-nat-on-direct-traffic). */
static __always_inline void used_directly(struct mesh_flows *flows, const struct mesh_pick *pick)
{
	for (__u32 i = 0; i < MESH_FLOWS; i++) {
		struct mesh_pick *flow = &flows->flow[i];

		if (flow->endpoint && flow->given_port == pick->asked_port &&
		    same(&flow->given, &pick->asked))
			flow->endpoint = 0;
	}
}

static __always_inline __u32 sending(struct bpf_sock_addr *ctx, struct mesh_pick *pick)
{
	__u32 service = service_at(&pick->asked, pick->asked_port, PROTO_UDP), oldest = 0, answer;
	struct bpf_sock *sk = ctx->sk;
	struct mesh_flows *flows;
	__u64 now = bpf_ktime_get_ns();

	if (!sk)
		return AS_IS;
	flows = bpf_sk_storage_get(&datagrams, sk, NULL, service ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (!service) {
		if (flows)
			used_directly(flows, pick);
		return AS_IS;
	}
	if (!flows)
		return AS_IS;
	for (__u32 i = 0; i < MESH_FLOWS; i++) {
		struct mesh_pick *flow = &flows->flow[i];

		if (flow->endpoint && flow->service == service &&
		    flow->asked_port == pick->asked_port && same(&flow->asked, &pick->asked)) {
			oldest = i;
			if (!usable(flow, now))
				break;
			flow->at_ns = now;
			pick->given = flow->given;
			pick->given_port = flow->given_port;
			return GIVEN;
		}
		if (flow->at_ns < flows->flow[oldest & (MESH_FLOWS - 1)].at_ns)
			oldest = i;
	}
	answer = give(ctx, service, pick);
	if (answer == GIVEN)
		flows->flow[oldest & (MESH_FLOWS - 1)] = *pick;
	else if (answer == REFUSED)
		bpf_set_retval(-ECONNREFUSED);
	return answer;
}

SEC("cgroup/sendmsg4")
int sidestep_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct mesh_pick pick = { .asked_port = ctx->user_port };

	mapped(&pick.asked, ctx->user_ip4);
	switch (sending(ctx, &pick)) {
	case GIVEN:
		ctx->user_ip4 = pick.given.word[3];
		ctx->user_port = pick.given_port;
		return LET;
	case REFUSED:
		return FAIL;
	default:
		return LET;
	}
}

SEC("cgroup/sendmsg6")
int sidestep_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct mesh_pick pick = { .asked_port = ctx->user_port };

	pick.asked.word[0] = ctx->user_ip6[0];
	pick.asked.word[1] = ctx->user_ip6[1];
	pick.asked.word[2] = ctx->user_ip6[2];
	pick.asked.word[3] = ctx->user_ip6[3];
	switch (sending(ctx, &pick)) {
	case GIVEN:
		ctx->user_ip6[0] = pick.given.word[0];
		ctx->user_ip6[1] = pick.given.word[1];
		ctx->user_ip6[2] = pick.given.word[2];
		ctx->user_ip6[3] = pick.given.word[3];
		ctx->user_port = pick.given_port;
		return LET;
	case REFUSED:
		return FAIL;
	default:
		return LET;
	}
}

/* What the sender of a datagram was asked as; NULL when it is who it says. */
static __always_inline const struct mesh_pick *asked_as(struct bpf_sock_addr *ctx,
							const struct mesh_address *from, __u16 port)
{
	struct bpf_sock *sk = ctx->sk;
	const struct mesh_pick *pick = sk ? bpf_sk_storage_get(&picks, sk, NULL, 0) : NULL;
	struct mesh_flows *flows;

	if (pick && pick->given_port == port && same(&pick->given, from))
		return pick;
	flows = sk ? bpf_sk_storage_get(&datagrams, sk, NULL, 0) : NULL;
	if (!flows)
		return NULL;
	for (__u32 i = 0; i < MESH_FLOWS; i++) {
		pick = &flows->flow[i];
		if (pick->endpoint && pick->given_port == port && same(&pick->given, from))
			return pick;
	}
	return NULL;
}

SEC("cgroup/recvmsg4")
int sidestep_recvmsg4(struct bpf_sock_addr *ctx)
{
	const struct mesh_pick *pick;
	struct mesh_address from;

	mapped(&from, ctx->user_ip4);
	pick = asked_as(ctx, &from, ctx->user_port);
	if (pick) {
		ctx->user_ip4 = pick->asked.word[3];
		ctx->user_port = pick->asked_port;
	}
	return LET;
}

SEC("cgroup/recvmsg6")
int sidestep_recvmsg6(struct bpf_sock_addr *ctx)
{
	const struct mesh_pick *pick;
	struct mesh_address from = { .word = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2],
					       ctx->user_ip6[3] } };

	pick = asked_as(ctx, &from, ctx->user_port);
	if (pick) {
		ctx->user_ip6[0] = pick->asked.word[0];
		ctx->user_ip6[1] = pick->asked.word[1];
		ctx->user_ip6[2] = pick->asked.word[2];
		ctx->user_ip6[3] = pick->asked.word[3];
		ctx->user_port = pick->asked_port;
	}
	return LET;
}
