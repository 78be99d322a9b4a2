// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * SOCK_OPS: the TCP settings of connections that leave this host, by service, port of the server, or network of the other
 * end. What the program sets itself before connect() is overridden, what it sets later stands.
 *   sidestep_mesh_tune   (sockops)
 *   sidestep_mesh_tuned  (iter/tcp)  what each tuned connection got, and what the kernel has now
 */
#include "include/kernel.h"
#include "include/mesh_maps.h"
#include "include/mesh_tune.h"
#include "lib/peek.h"

#define SOL_SOCKET_ 1
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_KEEPALIVE 9
#define SO_MAX_PACING_RATE 47
#define TCP_NODELAY 1
#define TCP_KEEPIDLE 4
#define TCP_KEEPINTVL 5
#define TCP_KEEPCNT 6
#define TCP_SYNCNT 7
#define TCP_CONGESTION 13
#define TCP_USER_TIMEOUT 18
#define TCP_NOTSENT_LOWAT 25
#define ERANGE 34
#define IFF_LOOPBACK 8
#define TCP_ECN_OK 1

/* A    Which half of the rules is in force. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tune_settings);
} tune_settings SEC(".maps");

/* A    Two halves, so that nobody reads a list that is being written. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * TUNE_RULES);
	__type(key, __u32);
	__type(value, struct tune_rule);
} tune_rules SEC(".maps");

/* K A  What became of each rule. Rows are made and removed by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2 * TUNE_RULES);
	__type(key, __u32);
	__type(value, struct tune_tally);
} tune_tallies SEC(".maps");

/* K    What a connection got; freed with it. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tune_record);
} tuned SEC(".maps");

struct tuning {
	struct mesh_address remote;
	__u32 service;
	__u32 first; /* of the half that is in force */
	__u16 port;  /* of the server */
	__u16 pad;
	__u32 index; /* one more than that of the rule; 0: none */
};

static __always_inline void addresses_of(const struct sock *sk, struct mesh_address *local,
					 struct mesh_address *remote)
{
	if (see(sk, __sk_common.skc_family) == AF_INET) {
		*remote = (struct mesh_address){ { 0, 0, __builtin_bswap32(0xffff),
						   see(sk, __sk_common.skc_daddr) } };
		*local = (struct mesh_address){ { 0, 0, __builtin_bswap32(0xffff),
						  see(sk, __sk_common.skc_rcv_saddr) } };
		return;
	}
	for (__u32 i = 0; i < 4; i++) {
		remote->word[i] = see(sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[i]);
		local->word[i] = see(sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[i]);
	}
}

static __always_inline bool inside(const struct mesh_address *address, const struct tune_rule *rule)
{
	__u32 left = rule->prefix;

	for (__u32 i = 0; i < 4; i++) {
		__u32 bits = left > 32 ? 32 : left, mask = bits ? ~0U << (32 - bits) : 0;

		if (__builtin_bswap32(address->word[i] ^ rule->network.word[i]) & mask)
			return false;
		left -= bits;
	}
	return true;
}

static long match_step(__u32 i, struct tuning *t)
{
	__u32 index = t->first + i;
	const struct tune_rule *rule = bpf_map_lookup_elem(&tune_rules, &index);

	if (!rule)
		return 1;
	if (rule->by_service &&
	    (!t->service || (t->service != rule->service[0] && t->service != rule->service[1])))
		return 0;
	if (t->port < rule->first_port || t->port > rule->last_port || !inside(&t->remote, rule))
		return 0;
	t->index = index + 1;
	return 1;
}

/* Between two sockets of this host bytes cross no network, and most go around TCP. */
static __always_inline bool stays_here(const struct sock *sk)
{
	const struct dst_entry *route = see(sk, sk_dst_cache);
	const struct net_device *device = route ? see(route, dev) : NULL;

	return !device || see(device, flags) & IFF_LOOPBACK;
}

static __always_inline void note(struct tune_record *record, struct tune_tally *tally,
				 enum tune_option option, long error)
{
	if (!error) {
		record->given |= 1U << option;
		__sync_fetch_and_add(&tally->given[option], 1);
		return;
	}
	record->refused |= 1U << option;
	__sync_fetch_and_add(&tally->refused[option], 1);
	tally->error[option] = error < 0 ? -error : error;
}

#define WANTS(rule, option) ((rule)->wanted & (1U << TUNE_##option))

#define SET(option, level, name)                                                       \
	do {                                                                           \
		__u32 value = rule->value[TUNE_##option];                              \
		if (WANTS(rule, option))                                               \
			note(record, tally, TUNE_##option,                             \
			     bpf_setsockopt(ops, level, name, &value, sizeof(value))); \
	} while (0)

/* The kernel takes any size, and gives what its limits allow. */
#define SET_BUFFER(option, name, field)                                                        \
	do {                                                                                   \
		__u32 value = rule->value[TUNE_##option];                                      \
		if (WANTS(rule, option)) {                                                     \
			long error =                                                           \
				bpf_setsockopt(ops, SOL_SOCKET_, name, &value, sizeof(value)); \
			note(record, tally, TUNE_##option,                                     \
			     !error && (__u32)see(sk, field) < 2 * value ? ERANGE : error);    \
		}                                                                              \
	} while (0)

static __always_inline void set_all(struct bpf_sock_ops *ops, const struct sock *sk,
				    const struct tune_rule *rule, struct tune_record *record,
				    struct tune_tally *tally)
{
	__u32 on = 1;
	char name[16];

	if (WANTS(rule, CONGESTION)) {
		__builtin_memcpy(name, rule->congestion, sizeof(name));
		note(record, tally, TUNE_CONGESTION,
		     bpf_setsockopt(ops, SOL_TCP, TCP_CONGESTION, name, sizeof(name)));
	}
	SET_BUFFER(SEND_BUFFER, SO_SNDBUF, sk_sndbuf);
	SET_BUFFER(RECEIVE_BUFFER, SO_RCVBUF, sk_rcvbuf);
	if (WANTS(rule, KEEP_IDLE) || WANTS(rule, KEEP_INTERVAL) || WANTS(rule, KEEP_PROBES))
		bpf_setsockopt(ops, SOL_SOCKET_, SO_KEEPALIVE, &on, sizeof(on));
	SET(KEEP_IDLE, SOL_TCP, TCP_KEEPIDLE);
	SET(KEEP_INTERVAL, SOL_TCP, TCP_KEEPINTVL);
	SET(KEEP_PROBES, SOL_TCP, TCP_KEEPCNT);
	SET(USER_TIMEOUT, SOL_TCP, TCP_USER_TIMEOUT);
	SET(NO_DELAY, SOL_TCP, TCP_NODELAY);
	SET(UNSENT, SOL_TCP, TCP_NOTSENT_LOWAT);
	SET(PACING, SOL_SOCKET_, SO_MAX_PACING_RATE);
}

static __always_inline __u32 service_of(struct bpf_sock *full)
{
	const struct mesh_pick *pick = bpf_sk_storage_get(&picks, full, NULL, 0);

	return pick ? pick->service : 0;
}

/* The first rule that fits, as a number from 1 on. Of the socket only what a half-open connection has, too. */
static __always_inline __u32 rule_for(const struct sock *sk, bool client, __u32 service)
{
	struct tuning t = { .service = service };
	struct mesh_address local;
	__u32 zero = 0;
	const struct tune_settings *set = bpf_map_lookup_elem(&tune_settings, &zero);

	if (!set || !set->count)
		return 0;
	t.first = set->half ? TUNE_RULES : 0;
	t.port = client ? __builtin_bswap16(see(sk, __sk_common.skc_dport))
			: see(sk, __sk_common.skc_num);
	addresses_of(sk, &local, &t.remote);
	bpf_loop(set->count > TUNE_RULES ? TUNE_RULES : set->count, match_step, &t, 0);
	return t.index;
}

static __always_inline void start(struct bpf_sock_ops *ops, struct bpf_sock *full,
				  const struct sock *sk, bool client)
{
	const struct tune_rule *rule;
	struct tune_record *record;
	struct tune_tally *tally;
	__u32 index, id;

	index = rule_for(sk, client, client ? service_of(full) : 0);
	if (!index-- || stays_here(sk))
		return;
	rule = bpf_map_lookup_elem(&tune_rules, &index);
	if (!rule)
		return;
	id = rule->id;
	tally = bpf_map_lookup_elem(&tune_tallies, &id);
	record = bpf_sk_storage_get(&tuned, full, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!tally || !record)
		return;
	*record = (struct tune_record){ .rule = id };
	__sync_fetch_and_add(&tally->connections, 1);
	set_all(ops, sk, rule, record, tally);
	if (client) {
		SET(SYN_RETRIES, SOL_TCP, TCP_SYNCNT);
		if (WANTS(rule, SYN_TIMEOUT)) {
			record->syn_timeout = rule->value[TUNE_SYN_TIMEOUT];
			note(record, tally, TUNE_SYN_TIMEOUT, 0);
		}
	}
	if (WANTS(rule, ECN))
		note(record, tally, TUNE_ECN, 0);
	/* What the kernel calculates when the handshake ends would win over an earlier word. */
	if (!client)
		SET(WINDOW, SOL_TCP, TCP_BPF_IW);
}

static __always_inline void open_window(struct bpf_sock_ops *ops, struct bpf_sock *full)
{
	struct tune_record *record = bpf_sk_storage_get(&tuned, full, NULL, 0);
	struct tune_tally *tally;
	__u32 zero = 0, index;
	const struct tune_settings *set = bpf_map_lookup_elem(&tune_settings, &zero);
	const struct tune_rule *rule;

	if (!record || !set)
		return;
	tally = bpf_map_lookup_elem(&tune_tallies, &record->rule);
	if (!tally)
		return;
	for (__u32 i = 0; i < TUNE_RULES; i++) {
		index = (set->half ? TUNE_RULES : 0) + i;
		rule = bpf_map_lookup_elem(&tune_rules, &index);
		if (!rule || i >= set->count)
			return;
		if (rule->id != record->rule)
			continue;
		SET(WINDOW, SOL_TCP, TCP_BPF_IW);
		return;
	}
}

/*
 * A SYN that asks because a program wants it is itself marked as capable, and a server takes that for an attack on the
 * network unless it wants ECN too (tcp_ecn_create_request): so the rule has to be at both ends.
 */
static __always_inline bool wants_ecn(struct bpf_sock *full, const struct sock *sk)
{
	const struct tune_record *record;
	const struct tune_rule *rule;
	__u32 index;

	if (full) {
		record = bpf_sk_storage_get(&tuned, full, NULL, 0);
		return record && record->given & (1U << TUNE_ECN);
	}
	index = rule_for(sk, false, 0);
	if (!index--)
		return false;
	rule = bpf_map_lookup_elem(&tune_rules, &index);
	return rule && WANTS(rule, ECN);
}

SEC("sockops")
int sidestep_mesh_tune(struct bpf_sock_ops *ops)
{
	const struct bpf_sock_ops_kern *kern = kernel_context(ops);
	const struct sock *sk = see(kern, sk);
	const struct tune_record *record;
	struct bpf_sock *full = ops->sk;

	if (!sk)
		return 1;
	if (ops->op == BPF_SOCK_OPS_NEEDS_ECN) {
		if (wants_ecn(full, sk))
			ops->reply = 1;
		return 1;
	}
	/* Of a half-open connection there is no socket yet. */
	if (!full)
		return 1;
	switch (ops->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		start(ops, full, sk, true);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		start(ops, full, sk, false);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		open_window(ops, full);
		break;
	case BPF_SOCK_OPS_TIMEOUT_INIT:
		record = bpf_sk_storage_get(&tuned, full, NULL, 0);
		if (record && record->syn_timeout)
			ops->reply = record->syn_timeout;
		break;
	default:
		break;
	}
	return 1;
}

#define GET(option, level, name)                                             \
	do {                                                                 \
		__s32 got = -1;                                              \
		if (!bpf_getsockopt(common, level, name, &got, sizeof(got))) \
			row.value[TUNE_##option] = got;                      \
	} while (0)

SEC("iter/tcp")
int sidestep_mesh_tuned(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcp_sock *socket = common ? bpf_skc_to_tcp_sock(common) : NULL;
	const struct tune_record *record =
		socket ? bpf_sk_storage_get(&tuned, socket, NULL, 0) : NULL;
	const struct sock *sk;
	const struct file *file;
	struct tune_row row = {};

	if (!record)
		return 0;
	sk = peek(socket, struct sock);
	addresses_of(sk, &row.local, &row.remote);
	row.local_port = see(sk, __sk_common.skc_num);
	row.remote_port = __builtin_bswap16(see(sk, __sk_common.skc_dport));
	row.netns = see(sk, __sk_common.skc_net.net, ns.inum);
	file = file_of(sk);
	row.inode = file ? see(file, f_inode, i_ino) : 0;
	row.rule = record->rule;
	row.given = record->given;
	row.refused = record->refused;
	for (__u32 i = 0; i < TUNE_OPTION_COUNT; i++)
		row.value[i] = -1;
	bpf_getsockopt(common, SOL_TCP, TCP_CONGESTION, row.congestion, sizeof(row.congestion));
	GET(SEND_BUFFER, SOL_SOCKET_, SO_SNDBUF);
	GET(RECEIVE_BUFFER, SOL_SOCKET_, SO_RCVBUF);
	GET(SYN_RETRIES, SOL_TCP, TCP_SYNCNT);
	GET(KEEP_IDLE, SOL_TCP, TCP_KEEPIDLE);
	GET(KEEP_INTERVAL, SOL_TCP, TCP_KEEPINTVL);
	GET(KEEP_PROBES, SOL_TCP, TCP_KEEPCNT);
	GET(USER_TIMEOUT, SOL_TCP, TCP_USER_TIMEOUT);
	GET(NO_DELAY, SOL_TCP, TCP_NODELAY);
	GET(UNSENT, SOL_TCP, TCP_NOTSENT_LOWAT);
	GET(PACING, SOL_SOCKET_, SO_MAX_PACING_RATE);
	row.value[TUNE_ECN] = see_bits(peek(socket, struct tcp_sock), ecn_flags) & TCP_ECN_OK;
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}
