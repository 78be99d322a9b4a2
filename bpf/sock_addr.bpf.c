// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * CGROUP_SOCK_ADDR, connected sockets: connect() to a virtual address becomes connect() to an endpoint, and
 * getpeername() goes on to say what was asked for. There is no translation after that: packets carry real addresses.
 */
#include "lib/mesh_translate.h"
#include "lib/mesh_twin.h"

/* A socket that is used again, for another address, must not keep what it was told before. */
static __always_inline void forget(struct bpf_sock *sk)
{
	if (sk)
		bpf_sk_storage_delete(&picks, sk);
}

static __always_inline __u32 connecting(struct bpf_sock_addr *ctx, struct mesh_pick *pick)
{
	struct bpf_sock *sk = ctx->sk;
	__u32 service = service_at(&pick->asked, pick->asked_port, ctx->protocol), answer;
	struct mesh_pick *kept;

	answer = service ? give(ctx, service, pick) : AS_IS;
	if (answer == AS_IS) {
		forget(sk);
		return AS_IS;
	}
	if (answer == GIVEN) {
		kept = sk ? bpf_sk_storage_get(&picks, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE)
			  : NULL;
		if (!kept)
			return AS_IS;
		*kept = *pick;
		return GIVEN;
	}
	bpf_set_retval(-ECONNREFUSED);
	return REFUSED;
}

/* Better an error than a socket that never hears anything. */
static __always_inline int refuse_twin(struct bpf_sock *sk, const struct mesh_pick *pick)
{
	struct mesh_service *service = bpf_map_lookup_elem(&services, &pick->service);

	if (service)
		__sync_fetch_and_add(&service->refused[REFUSED_TWIN], 1);
	forget(sk);
	bpf_set_retval(-EADDRINUSE);
	return FAIL;
}

SEC("cgroup/connect4")
int sidestep_connect4(struct bpf_sock_addr *ctx)
{
	struct mesh_pick pick = { .asked_port = ctx->user_port };
	struct bpf_sock *sk = ctx->sk;
	__u32 protocol = ctx->protocol;

	mapped(&pick.asked, ctx->user_ip4);
	switch (connecting(ctx, &pick)) {
	case GIVEN:
		if (protocol == PROTO_UDP && has_twin4(ctx, sk, &pick))
			return refuse_twin(sk, &pick);
		ctx->user_ip4 = pick.given.word[3];
		ctx->user_port = pick.given_port;
		return LET;
	case REFUSED:
		return FAIL;
	default:
		return LET;
	}
}

SEC("cgroup/connect6")
int sidestep_connect6(struct bpf_sock_addr *ctx)
{
	struct mesh_pick pick = { .asked_port = ctx->user_port };

	pick.asked.word[0] = ctx->user_ip6[0];
	pick.asked.word[1] = ctx->user_ip6[1];
	pick.asked.word[2] = ctx->user_ip6[2];
	pick.asked.word[3] = ctx->user_ip6[3];
	switch (connecting(ctx, &pick)) {
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

/* The pick of this socket, if its peer is what was given. */
static __always_inline const struct mesh_pick *pick_of(struct bpf_sock_addr *ctx,
						       const struct mesh_address *peer, __u16 port)
{
	struct bpf_sock *sk = ctx->sk;
	const struct mesh_pick *pick = sk ? bpf_sk_storage_get(&picks, sk, NULL, 0) : NULL;

	return pick && pick->given_port == port && same(&pick->given, peer) ? pick : NULL;
}

SEC("cgroup/getpeername4")
int sidestep_getpeername4(struct bpf_sock_addr *ctx)
{
	const struct mesh_pick *pick;
	struct mesh_address peer;

	mapped(&peer, ctx->user_ip4);
	pick = pick_of(ctx, &peer, ctx->user_port);
	if (pick) {
		ctx->user_ip4 = pick->asked.word[3];
		ctx->user_port = pick->asked_port;
	}
	return LET;
}

SEC("cgroup/getpeername6")
int sidestep_getpeername6(struct bpf_sock_addr *ctx)
{
	const struct mesh_pick *pick;
	struct mesh_address peer = { .word = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2],
					       ctx->user_ip6[3] } };

	pick = pick_of(ctx, &peer, ctx->user_port);
	if (pick) {
		ctx->user_ip6[0] = pick->asked.word[0];
		ctx->user_ip6[1] = pick->asked.word[1];
		ctx->user_ip6[2] = pick->asked.word[2];
		ctx->user_ip6[3] = pick->asked.word[3];
		ctx->user_port = pick->asked_port;
	}
	return LET;
}
