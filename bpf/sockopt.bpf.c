// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * SETSOCKOPT: an end asks for what only TCP does. The pair goes back to TCP before the option takes effect.
 * Costs nothing but to setsockopt; which options count is the list below.
 */
#include "include/kernel.h"
#include "include/maps.h"
#include "lib/states.h"

#define SOL_SOCKET 1
#define SO_OOBINLINE 10
#define SO_RCVLOWAT 18
#define SO_TIMESTAMP_OLD 29
#define SO_TIMESTAMPNS_OLD 35
#define SO_TIMESTAMPING_OLD 37
#define SO_PEEK_OFF 42
#define SO_ZEROCOPY 60
#define SO_TIMESTAMP_NEW 63
#define SO_TIMESTAMPNS_NEW 64
#define SO_TIMESTAMPING_NEW 65

#define SOL_TCP 6
#define TCP_REPAIR 19
#define TCP_ULP 31
#define TCP_INQ 36

/* An option larger than this reaches the program cut off, and the kernel then wants to be told to use the original. */
#define LARGEST_WHOLE 4096

/* 0: it makes no difference. */
static __always_inline __u32 reason_of(__s32 level, __s32 name)
{
	if (level == SOL_TCP) {
		if (name == TCP_ULP)
			return REASON_ULP;
		return name == TCP_REPAIR || name == TCP_INQ ? REASON_SOCKET_OPTION : 0;
	}
	if (level != SOL_SOCKET)
		return 0;
	switch (name) {
	case SO_OOBINLINE:
	case SO_RCVLOWAT:
	case SO_TIMESTAMP_OLD:
	case SO_TIMESTAMPNS_OLD:
	case SO_TIMESTAMPING_OLD:
	case SO_PEEK_OFF:
	case SO_ZEROCOPY:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_NEW:
	case SO_TIMESTAMPING_NEW:
		return REASON_SOCKET_OPTION;
	default:
		return 0;
	}
}

/* Programs also set options to what they are by default: a low-water mark of one byte, no peek offset, off. */
static __always_inline bool is_default(const struct bpf_sockopt *ctx)
{
	const __s32 *value = ctx->optval;

	if ((const void *)(value + 1) > ctx->optval_end)
		return false;
	if (ctx->level == SOL_SOCKET && ctx->optname == SO_PEEK_OFF)
		return *value < 0;
	if (ctx->level == SOL_SOCKET && ctx->optname == SO_RCVLOWAT)
		return *value <= 1;
	return *value == 0;
}

SEC("cgroup/setsockopt")
int sidestep_sockopt(struct bpf_sockopt *ctx)
{
	__u32 reason = reason_of(ctx->level, ctx->optname);
	struct bpf_sock *sk = ctx->sk;
	struct sidestep_flow *flow;
	struct sidestep_pair *pair;

	if (ctx->optlen > LARGEST_WHOLE)
		ctx->optlen = 0;
	if (!reason || !sk || is_default(ctx))
		return 1;
	flow = bpf_sk_storage_get(&flows, sk, NULL, 0);
	pair = flow ? bpf_map_lookup_elem(&pairs, &flow->id) : NULL;
	if (!pair)
		return 1;
	/* Many ask and are told that the kernel has no such protocol: the gate looks whether this one got it. */
	if (reason == REASON_ULP)
		pair->ulp_asked = 1;
	else
		decide_against(pair, flow->id, reason);
	return 1;
}
