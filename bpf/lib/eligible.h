/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* May this local connection be enrolled? Decided once, for both ends, when the client is established. */
#ifndef SIDESTEP_ELIGIBLE_H
#define SIDESTEP_ELIGIBLE_H

#include "../include/maps.h"
#include "peek.h"

static __always_inline __u32 eligible(const struct sock *client, const struct sock *listener,
				      const struct sidestep_listener *known,
				      const struct sidestep_settings *set)
{
	const struct tcp_sock *tp = peek(client, struct tcp_sock);
	const struct file *file = file_of(client);

	if (is_mptcp(tp))
		return REASON_MPTCP;
	if (tp->syn_data || tp->syn_fastopen)
		return REASON_FAST_OPEN;
	if (uses_ulp(tp))
		return REASON_ULP;
	if (!file)
		return REASON_NO_FILE;
	if (!(file->f_flags & O_NONBLOCK))
		return REASON_BLOCKING;

	/*
	 * The server's end has no file before accept, so its listener speaks for it: one that blocks has children that
	 * block, and one whose child was seen to block will have more. A listener of which nothing was seen yet is
	 * watched first; its connections are adopted a moment later.
	 */
	file = file_of(listener);
	if (!file)
		return REASON_NO_FILE;
	if (!(file->f_flags & O_NONBLOCK) || (known && known->blocking_children))
		return REASON_BLOCKING;
	if (set->observe)
		return REASON_OBSERVED;
	if (set->trust || (known && known->nonblocking_children))
		return REASON_REDIRECTED;
	return REASON_LEARNING;
}

#endif
