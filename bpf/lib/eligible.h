/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* May this local connection be enrolled? Decided once, for both ends, when the client is established. */
#ifndef SIDESTEP_ELIGIBLE_H
#define SIDESTEP_ELIGIBLE_H

#include "habits.h"
#include "peek.h"

static __always_inline __u32 eligible(const struct sock *client, const struct sock *listener,
				      const struct sidestep_pair *pair,
				      const struct sidestep_settings *set)
{
	const struct sidestep_habits *asks = client_habits(pair), *serves = server_habits(pair);
	const struct tcp_sock *tp = peek(client, struct tcp_sock);
	bool doubtful;

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
	doubtful = blocks(client) || blocks(listener);
	if (doubtful && (set->trust || blocks_always(asks) || blocks_always(serves)))
		return REASON_BLOCKING;

	if (hazard_of(asks) || hazard_of(serves))
		return hazard_of(asks) ? hazard_of(asks) : hazard_of(serves);
	if (workload_hazard(&pair->end[SIDESTEP_SERVER]))
		return workload_hazard(&pair->end[SIDESTEP_SERVER]);
	if (set->observe)
		return REASON_OBSERVED;
	/*
	 * Whoever was never seen to read is watched first; the connection is adopted a moment later. So is one that
	 * connects or listens with a blocking socket: many programs call fcntl(O_NONBLOCK) only afterwards.
	 */
	if (!doubtful && (set->trust || (believed(asks) && believed(serves))))
		return REASON_REDIRECTED;
	return REASON_LEARNING;
}

#endif
