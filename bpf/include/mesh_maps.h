/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The maps of the balancing programs. Sizes come from the configuration before load.
 * Writers: K kernel programs, A agent.
 */
#ifndef SIDESTEP_MESH_MAPS_H
#define SIDESTEP_MESH_MAPS_H

#include "mesh_layout.h"
#include <bpf/bpf_helpers.h>

/* A    Live switches. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mesh_settings);
} mesh_settings SEC(".maps");

/* A    Virtual addresses, to the number of their service. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct mesh_vip);
	__type(value, __u64);
} vips SEC(".maps");

/* A    Who sees addresses as they are. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct mesh_except);
	__type(value, __u64);
} excepts SEC(".maps");

/* A    Endpoints, by number. Not preallocated: a reader must never see an element that is being used anew. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, __u32);
	__type(value, struct mesh_endpoint);
} endpoints SEC(".maps");

/* K A  Their load. Rows are made and removed by the agent, with the endpoint. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, __u32);
	__type(value, struct mesh_load);
} loads SEC(".maps");

/* K    How many connections in a row an endpoint has reset. Not pinned, and LRU: who was forgotten begins anew. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} resets SEC(".maps");

/* K A  Services, by number. Rows are made and removed by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct mesh_service);
} services SEC(".maps");

/* K A  How long connecting to each took. Rows are made with the first connection, and removed with the service. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct mesh_times);
} times SEC(".maps");

/* A    The table of each service, swapped whole: a reader sees the one before or the one after. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(map_flags, BPF_F_INNER_MAP);
			__uint(max_entries, MESH_HEAD_ROWS);
			__type(key, __u32);
			__type(value, struct mesh_row);
		});
} tables SEC(".maps");

/* K    Which endpoint a client was given. LRU: who was forgotten chooses anew. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct mesh_client);
	__type(value, struct mesh_sticky);
} clients SEC(".maps");

/* K    What a connected socket asked for; freed with the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mesh_pick);
} picks SEC(".maps");

/* K    The same of a datagram socket that is not connected. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mesh_flows);
} datagrams SEC(".maps");

#endif
