/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Whom the operator wants accelerated. Selectors are asked once for each local connection, and again for each pair when
 * they change, never for a message.
 *
 * A selector matches a connection when it matches one of its ends. Exclusion wins over observation, and that over
 * inclusion; if anything is included, whatever is not is left alone.
 */
#ifndef SIDESTEP_SCOPE_H
#define SIDESTEP_SCOPE_H

#include "../include/maps.h"
#include "peek.h"
#include "unknown.h"

/* A cgroup v2 tree may be deeper; whoever sits lower than this below the one that was named is not found in it. */
#define DEEPEST_CGROUP 16

static __always_inline bool in_network(const __u8 *address, const struct sidestep_selector *s)
{
	const __u32 *have = (const __u32 *)address, *want = (const __u32 *)s->address;

	for (__u32 word = 0; word < 4; word++) {
		__u32 bits = s->prefix > 32 * word ? s->prefix - 32 * word : 0;
		__u32 mask = bits >= 32 ? ~0U : ~(~0U >> bits);

		if (__builtin_bswap32(have[word] ^ want[word]) & mask)
			return false;
	}
	return true;
}

static __always_inline bool in_cgroup(const struct sidestep_pair *pair, __u32 side, __u64 id)
{
	__u64 address = pair->end[side].sk ? pair->end[side].sk : pair->listener;
	const struct cgroup *cgroup = see(peek(address, struct sock), sk_cgrp_data.cgroup);
	const struct cgroup_subsys_state *above;

	for (__u32 level = 0; level < DEEPEST_CGROUP && cgroup; level++) {
		if (see(cgroup, kn, id) == id)
			return true;
		above = see(cgroup, self.parent);
		cgroup = above ? see(above, cgroup) : NULL;
	}
	return false;
}

static __always_inline bool named(const struct sidestep_endpoint *end,
				  const struct sidestep_selector *s)
{
	const __u64 *have = (const __u64 *)end->comm, *want = (const __u64 *)s->comm;

	return have[0] == want[0] && have[1] == want[1];
}

static __always_inline bool at_port(const struct sidestep_pair *pair,
				    const struct sidestep_selector *s)
{
	__u16 real = pair->end[SIDESTEP_SERVER].port, dialled = pair->dialled_port;

	return (real >= s->port_first && real <= s->port_last) ||
	       (dialled >= s->port_first && dialled <= s->port_last);
}

static __always_inline bool at_address(const struct sidestep_pair *pair, __u32 side,
				       const struct sidestep_selector *s)
{
	if (in_network(pair->end[side].local, s))
		return true;
	return side == SIDESTEP_SERVER && in_network(pair->dialled, s);
}

/* Functions of their own here keep the types of their arguments whole in the BTF, which the addon compares. */
static __noinline bool matches(const struct sidestep_selector *s, const struct sidestep_pair *pair,
			       __u32 side)
{
	const struct sidestep_endpoint *end = &pair->end[side];

	if (s->terms & TERM_PORT && !at_port(pair, s))
		return false;
	if (s->terms & TERM_USER && end->uid != s->uid)
		return false;
	if (s->terms & TERM_PROGRAM && !named(end, s))
		return false;
	if (s->terms & TERM_EXE && (end->exe_inode != s->exe_inode || end->exe_dev != s->exe_dev))
		return false;
	if (s->terms & TERM_CIDR && !at_address(pair, side, s))
		return false;
	return !(s->terms & TERM_CGROUP) || in_cgroup(pair, side, s->cgroup);
}

struct judgement {
	struct sidestep_pair *pair;
	const struct sidestep_scope *scope;
	__u32 first[8]; /* by effect: index + 1 */
	__u32 standing[2];
};

/* Without branches: the verifier would follow each, in every turn of the loop, with each outcome of the turns before. */
static __always_inline __u32 standing_by(__u32 effect)
{
	_Static_assert(1U << SCOPE_TRUST >> 3 == STANDING_TRUSTED &&
			       1U << SCOPE_BLOCKING >> 3 == STANDING_LENIENT &&
			       1U << SCOPE_OBSERVE >> 3 == STANDING_OBSERVED &&
			       1U << SCOPE_INCLUDE >> 3 == 0,
		       "effects in the order of their standings");
	return (1U << (effect & 7)) >> 3;
}

static long ask_selector(__u32 index, struct judgement *j)
{
	const struct sidestep_selector *s;
	bool client, server;
	__u32 bit, *first;

	if (index >= SIDESTEP_SELECTORS)
		return 1;
	s = &j->scope->selector[index];
	client = matches(s, j->pair, SIDESTEP_CLIENT);
	server = matches(s, j->pair, SIDESTEP_SERVER);
	if (!client && !server)
		return 0;
	first = &j->first[s->effect & 7];
	if (!*first)
		*first = index + 1;
	bit = standing_by(s->effect);
	j->standing[SIDESTEP_CLIENT] |= client ? bit : 0;
	j->standing[SIDESTEP_SERVER] |= server ? bit : 0;
	return 0;
}

static __noinline long ask_all(const struct sidestep_scope *table, struct judgement *j)
{
	j->scope = table;
	return bpf_loop(table->count, ask_selector, j, 0);
}

/* Judge a pair by the selectors in force. 0: nothing against it; otherwise the reason. */
static __always_inline __u32 out_of_scope(struct sidestep_pair *pair,
					  const struct sidestep_settings *set)
{
	__u32 zero = 0, none = unknown_zero(pair->opened_ns);
	struct judgement j = {
		.pair = pair,
		.first = { none, none, none, none, none, none, none, none },
	};
	void *inner = bpf_map_lookup_elem(&scope, &zero);
	const struct sidestep_scope *table;

	pair->generation = set->generation;
	table = inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
	if (table && table->count)
		ask_all(table, &j);
	pair->end[SIDESTEP_CLIENT].standing = j.standing[SIDESTEP_CLIENT];
	pair->end[SIDESTEP_SERVER].standing = j.standing[SIDESTEP_SERVER];
	pair->selector = j.first[SCOPE_INCLUDE];
	if (j.first[SCOPE_EXCLUDE]) {
		pair->selector = j.first[SCOPE_EXCLUDE];
		return REASON_EXCLUDED;
	}
	if (table && table->including && !j.first[SCOPE_INCLUDE])
		return REASON_NOT_INCLUDED;
	if (j.first[SCOPE_OBSERVE])
		pair->selector = j.first[SCOPE_OBSERVE];
	return 0;
}

/* By a switch for all, or by a selector. */
static __always_inline bool observed(const struct sidestep_pair *pair,
				     const struct sidestep_settings *set)
{
	__u32 standing = pair->end[SIDESTEP_CLIENT].standing | pair->end[SIDESTEP_SERVER].standing;

	return set->observe || standing & STANDING_OBSERVED;
}

#endif
