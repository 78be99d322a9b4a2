/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* May this local connection be enrolled? Decided once, for both ends, when the client is established. */
#ifndef SIDESTEP_ELIGIBLE_H
#define SIDESTEP_ELIGIBLE_H

#include "brief.h"
#include "habits.h"
#include "peek.h"
#include "scope.h"

/* What the sockets themselves rule out. 0: nothing. */
static __always_inline __u32 unsuitable(const struct sock *client, const struct sock *listener)
{
	const struct tcp_sock *tp = peek(client, struct tcp_sock);

	if (is_mptcp(tp))
		return REASON_MPTCP;
	if (fast_open(tp))
		return REASON_FAST_OPEN;
	if (uses_ulp(tp))
		return REASON_ULP;
	if (wants_tcp(client) || wants_tcp(listener) || wants_inq(client) || wants_inq(listener))
		return REASON_SOCKET_OPTION;
	if (!file_of(client) || !file_of(listener))
		return REASON_NO_FILE;
	return 0;
}

static __always_inline __u32 eligible(const struct sock *client, const struct sock *listener,
				      struct sidestep_pair *pair,
				      const struct sidestep_settings *set)
{
	__u32 reason = unsuitable(client, listener);
	bool doubtful;

	if (!reason)
		reason = out_of_scope(pair, set);
	if (reason)
		return reason;
	doubtful = refuses_blocking(pair, SIDESTEP_CLIENT, client) ||
		   refuses_blocking(pair, SIDESTEP_SERVER, listener);
	if (doubtful && (set->trust || blocks_always(client_habits(pair)) ||
			 blocks_always(server_habits(pair))))
		return REASON_BLOCKING;

	reason = known_hazard(pair, SIDESTEP_CLIENT);
	if (!reason)
		reason = known_hazard(pair, SIDESTEP_SERVER);
	if (reason)
		return reason;
	if (is_brief(pair, set))
		return REASON_BRIEF;
	/*
	 * Whoever was never seen to read is watched first; the connection is adopted a moment later. So is one that
	 * connects or listens with a blocking socket: many programs call fcntl(O_NONBLOCK) only afterwards.
	 */
	if (doubtful || !known_good(pair, SIDESTEP_CLIENT, set) ||
	    !known_good(pair, SIDESTEP_SERVER, set))
		return REASON_LEARNING;
	return observed(pair, set) ? REASON_OBSERVED : REASON_REDIRECTED;
}

#endif
