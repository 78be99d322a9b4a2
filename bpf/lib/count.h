/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Every verdict and every failed helper is counted here, with its reason. Per CPU: no atomics. */
#ifndef SIDESTEP_COUNT_H
#define SIDESTEP_COUNT_H

#include "../include/maps.h"

static __always_inline struct sidestep_counters *counters_of_this_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

static __always_inline void count_message(__u32 reason, __u32 bytes)
{
	struct sidestep_counters *c = counters_of_this_cpu();

	if (!c || reason >= REASON_COUNT)
		return;
	c->messages[reason]++;
	c->bytes[reason] += bytes;
}

static __always_inline void count_connection(__u32 reason)
{
	struct sidestep_counters *c = counters_of_this_cpu();

	if (!c || reason >= REASON_COUNT)
		return;
	c->connections[reason]++;
}

static __always_inline void count_reset(void)
{
	struct sidestep_counters *c = counters_of_this_cpu();

	if (c)
		c->resets++;
}

/* Only a log of level debug wants to hear of what goes well, and each event wakes the agent. */
static __always_inline bool wanted_event(__u32 type)
{
	__u32 zero = 0;
	const struct sidestep_settings *set;

	if (type != EVENT_OPEN && type != EVENT_CLOSE)
		return true;
	set = bpf_map_lookup_elem(&settings, &zero);
	return set && set->tell_all;
}

static __always_inline void emit(sidestep_pair_id id, __u32 type, __u32 reason,
				 const struct sidestep_traffic *client,
				 const struct sidestep_traffic *server)
{
	struct sidestep_counters *c;
	struct sidestep_event *event;

	if (!wanted_event(type))
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		c = counters_of_this_cpu();
		if (c)
			c->events_lost++;
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->at_ns = bpf_ktime_get_ns();
	event->id = id;
	event->type = type;
	event->reason = reason;
	if (client)
		event->sent[SIDESTEP_CLIENT] = *client;
	if (server)
		event->sent[SIDESTEP_SERVER] = *server;
	bpf_ringbuf_submit(event, 0);
}

#endif
