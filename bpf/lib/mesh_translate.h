/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Between the address that a program asked for and the one that it was given: the same for both families. */
#ifndef SIDESTEP_MESH_TRANSLATE_H
#define SIDESTEP_MESH_TRANSLATE_H

#include "mesh_choose.h"
#include "mesh_who.h"

#define EADDRINUSE 98
#define ECONNREFUSED 111
#define PROTO_TCP 6
#define PROTO_UDP 17

/* What cgroup programs say: go on, or fail with the error that was set. */
#define LET 1
#define FAIL 0

enum answer {
	AS_IS = 0, /* no address of ours */
	GIVEN,
	REFUSED,
};

static __always_inline bool same(const struct mesh_address *a, const struct mesh_address *b)
{
	return a->word[0] == b->word[0] && a->word[1] == b->word[1] && a->word[2] == b->word[2] &&
	       a->word[3] == b->word[3];
}

static __always_inline void mapped(struct mesh_address *address, __u32 ip4)
{
	address->word[0] = 0;
	address->word[1] = 0;
	address->word[2] = __builtin_bswap32(0x0000ffff);
	address->word[3] = ip4;
}

static __always_inline bool is_mapped(const struct mesh_address *address)
{
	return !address->word[0] && !address->word[1] &&
	       address->word[2] == __builtin_bswap32(0x0000ffff);
}

/* The number of the service behind an address; 0 when there is none, or this caller is not balanced. */
static __always_inline __u32 service_at(const struct mesh_address *address, __u16 port,
					__u8 protocol)
{
	struct mesh_vip vip = { .address = *address, .port = port, .protocol = protocol };
	__u32 zero = 0;
	struct mesh_settings *set = bpf_map_lookup_elem(&mesh_settings, &zero);
	__u64 *service;

	if (!set || !set->enabled)
		return 0;
	service = bpf_map_lookup_elem(&vips, &vip);
	if (!service || is_agent(set) || excepted(set, *service))
		return 0;
	return *service;
}

/* Fill `pick` for a connection to a virtual address. */
static __always_inline __u32 give(struct bpf_sock_addr *ctx, __u32 service, struct mesh_pick *pick)
{
	const struct mesh_endpoint *endpoint;
	struct choice c = {};
	__u32 number;

	if (!open_table(&c, service))
		return AS_IS;
	c.key = client_key(ctx, &c.rules);
	number = choose(&c);
	endpoint = number ? bpf_map_lookup_elem(&endpoints, &number) : NULL;
	if (!endpoint)
		return REFUSED;
	pick->given = endpoint->address;
	pick->given_port = endpoint->port;
	pick->service = service;
	pick->endpoint = number;
	pick->state = PICK_MADE;
	pick->at_ns = c.now;
	return GIVEN;
}

#endif
