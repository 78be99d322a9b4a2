// SPDX-License-Identifier: Apache-2.0
#include "tables.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "error.h"
#include "maps.h"
#include "objects.h"

namespace sidestep {
namespace {

constexpr const char* kReasons[] = {
#define X(symbol, name) name,
	SIDESTEP_REASONS(X)
#undef X
};
constexpr const char* kStates[] = { "half", "active", "leaving", "tcp" };

double Number(uint64_t value) { return static_cast<double>(value); }

std::string Address(const __u8* bytes) {
	char text[INET6_ADDRSTRLEN] = "";
	in6_addr address;
	memcpy(&address, bytes, sizeof(address));
	if (IN6_IS_ADDR_V4MAPPED(&address)) {
		inet_ntop(AF_INET, bytes + 12, text, sizeof(text));
	} else {
		inet_ntop(AF_INET6, bytes, text, sizeof(text));
	}
	return text;
}

Napi::Object EndpointToJs(Napi::Env env, const sidestep_endpoint& end) {
	Napi::Object js = Napi::Object::New(env);
	js.Set("address", Address(end.local));
	js.Set("port", end.port);
	js.Set("family", end.family == AF_INET ? "ipv4" : "ipv6");
	js.Set("pid", end.pid);
	js.Set("comm", Comm(end.comm));
	js.Set("uid", end.uid);
	js.Set("cgroup", std::to_string(end.cgroup));
	js.Set("netns", end.netns);
	js.Set("inode", std::to_string(end.inode));
	js.Set("trusted", (end.standing & STANDING_TRUSTED) != 0);
	js.Set("lenient", (end.standing & STANDING_LENIENT) != 0);
	return js;
}

// The latest read of this end that the guard looked at; null if it never did.
Napi::Value ReadToJs(Napi::Env env, const sidestep_endpoint& end, double now_ms) {
	if (!end.calls) return env.Null();
	Napi::Object js = Napi::Object::New(env);
	js.Set("call", end.call);
	js.Set("times", end.calls);
	js.Set("msAgo", now_ms - end.call_ns / 1e6);
	js.Set("blocking", (end.reads & READ_BLOCKING) != 0);
	js.Set("hazard", (end.reads & READ_HAZARD) != 0);
	return js;
}

Napi::Object ByReason(Napi::Env env, const __u64* values) {
	Napi::Object js = Napi::Object::New(env);
	for (uint32_t i = 0; i < REASON_COUNT; i++)
		js.Set(kReasons[i], Number(values[i]));
	return js;
}

// By the side that reads; null unless waits are timed.
Napi::Value WaitsToJs(Napi::Env env, const Datapath& datapath) {
	if (!datapath.options().queue_wait) return env.Null();
	const auto side = [&](__u32 which) {
		const sidestep_waits total =
			SumOverCpus<sidestep_waits>(datapath.map("waits"), which, "read the waits");
		Napi::Array buckets = Napi::Array::New(env, SIDESTEP_WAIT_BUCKETS);
		for (uint32_t i = 0; i < SIDESTEP_WAIT_BUCKETS; i++)
			buckets.Set(i, Number(total.count[i]));
		Napi::Object js = Napi::Object::New(env);
		js.Set("buckets", buckets);
		js.Set("sumNs", Number(total.sum_ns));
		return js;
	};
	Napi::Object js = Napi::Object::New(env);
	js.Set("client", side(SIDESTEP_CLIENT));
	js.Set("server", side(SIDESTEP_SERVER));
	return js;
}

sidestep_entries ReadEntries(const Datapath& datapath) {
	sidestep_entries entries{};
	RunProgram(datapath.program("sidestep_tally"), "count the entries of the maps", &entries, sizeof(entries));
	return entries;
}

Napi::Object PairToJs(Napi::Env env, sidestep_pair_id id, const sidestep_pair& pair, double now_ms) {
	const sidestep_endpoint& client = pair.end[SIDESTEP_CLIENT];
	const sidestep_endpoint& server = pair.end[SIDESTEP_SERVER];
	Napi::Object row = Napi::Object::New(env);
	row.Set("id", PairIdText(id));
	row.Set("state", StateName(pair.state));
	row.Set("reason",
		ReasonName(pair.state == PAIR_HALF ? static_cast<uint32_t>(REASON_PEER_PENDING) : pair.reason));
	row.Set("client", EndpointToJs(env, client));
	row.Set("server", EndpointToJs(env, server));
	row.Set("clientSent", TrafficToJs(env, SentBy(client)));
	row.Set("serverSent", TrafficToJs(env, SentBy(server)));
	row.Set("dialledAddress", Address(pair.dialled));
	row.Set("dialledPort", pair.dialled_port);
	row.Set("selector", static_cast<int32_t>(pair.selector) - 1);
	row.Set("clientRead", ReadToJs(env, client, now_ms));
	row.Set("serverRead", ReadToJs(env, server, now_ms));
	row.Set("lastPass", ReasonName(client.last_reason ? client.last_reason : server.last_reason));
	row.Set("clientQueued", client.queued);
	row.Set("serverQueued", server.queued);
	row.Set("ageMs", now_ms - pair.opened_ns / 1e6);
	return row;
}

} // namespace

Napi::Array ReasonNames(Napi::Env env) {
	Napi::Array js = Napi::Array::New(env, REASON_COUNT);
	for (uint32_t i = 0; i < REASON_COUNT; i++)
		js.Set(i, kReasons[i]);
	return js;
}

const char* ReasonName(uint32_t reason) {
	return kReasons[reason < REASON_COUNT ? reason : static_cast<uint32_t>(REASON_UNTRACKED)];
}

const char* StateName(uint32_t state) { return kStates[state & 3]; }

std::string Comm(const char* comm) { return std::string(comm, strnlen(comm, SIDESTEP_COMM)); }

sidestep_traffic SentBy(const sidestep_endpoint& end) {
	sidestep_traffic sent = end.sent;
	if (end.tcp_sent > sent.passed_bytes) sent.passed_bytes = end.tcp_sent;
	return sent;
}

std::string PairIdText(sidestep_pair_id id) {
	char text[17];
	snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(id));
	return text;
}

sidestep_pair_id ParsePairId(Napi::Env env, const std::string& text) {
	if (text.size() != 16 || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
		throw Napi::TypeError::New(env, "a pair id has 16 hexadecimal digits, not \"" + text + "\"");
	}
	return strtoull(text.c_str(), nullptr, 16);
}

Napi::Object TrafficToJs(Napi::Env env, const sidestep_traffic& traffic) {
	Napi::Object js = Napi::Object::New(env);
	js.Set("redirectedBytes", Number(traffic.redirected_bytes));
	js.Set("redirectedMessages", Number(traffic.redirected_messages));
	js.Set("passedBytes", Number(traffic.passed_bytes));
	js.Set("passedMessages", Number(traffic.passed_messages));
	return js;
}

Napi::Value CountersToJs(Napi::Env env, const Datapath& datapath) {
	const auto total = SumOverCpus<sidestep_counters>(datapath.map("counters"), 0, "read the counters");

	Napi::Object js = Napi::Object::New(env);
	js.Set("messages", ByReason(env, total.messages));
	js.Set("bytes", ByReason(env, total.bytes));
	js.Set("connections", ByReason(env, total.connections));
	js.Set("tcpInMessages", Number(total.tcp_in_messages));
	js.Set("tcpInBytes", Number(total.tcp_in_bytes));
	js.Set("tcpRepeatedBytes", Number(total.tcp_repeated_bytes));
	js.Set("eventsLost", Number(total.events_lost));
	js.Set("resets", Number(total.resets));
	js.Set("closedUnread", Number(total.closed_unread));
	js.Set("streamsLeft", Number(total.streams_left));
	js.Set("streamsBack", Number(total.streams_back));
	js.Set("queueWaits", WaitsToJs(env, datapath));
	return js;
}

sidestep_refreshed Refresh(const Datapath& datapath) {
	sidestep_refreshed found{};
	RunProgram(datapath.program("sidestep_refresh"), "refresh the pairs", &found, sizeof(found));
	return found;
}

void ForEachPair(const Datapath& datapath, const std::function<void(sidestep_pair_id, const sidestep_pair&)>& visit) {
	ForEach<sidestep_pair_id, sidestep_pair>(datapath.map("pairs"), visit);
}

Napi::Value PairsToJs(Napi::Env env, const Datapath& datapath) {
	Refresh(datapath);
	const double now_ms = NowMs();
	Napi::Array js = Napi::Array::New(env);
	uint32_t index = 0;
	ForEachPair(datapath, [&](sidestep_pair_id id, const sidestep_pair& pair) {
		Napi::HandleScope scope(env);
		js.Set(index++, PairToJs(env, id, pair, now_ms));
	});
	return js;
}

Napi::Value BusiestToJs(Napi::Env env, const Datapath& datapath, Busiest& busiest, uint32_t most) {
	Refresh(datapath);
	const double now_ms = NowMs();
	Napi::Array js = Napi::Array::New(env);
	uint32_t index = 0;
	for (const auto& [id, pair] : busiest.Of(datapath, most))
		js.Set(index++, PairToJs(env, id, pair, now_ms));
	return js;
}

Napi::Value EdgesToJs(Napi::Env env, const Datapath& datapath) {
	auto edges = ReadAll<sidestep_edge_key, sidestep_edge>(datapath.map("edges"));
	Napi::Array js = Napi::Array::New(env, edges.size());
	uint32_t index = 0;
	for (const auto& [key, edge] : edges) {
		Napi::Object row = Napi::Object::New(env);
		row.Set("client", Comm(key.client));
		row.Set("server", Comm(key.server));
		row.Set("port", key.port);
		row.Set("clientSent", TrafficToJs(env, edge.sent[SIDESTEP_CLIENT]));
		row.Set("serverSent", TrafficToJs(env, edge.sent[SIDESTEP_SERVER]));
		row.Set("connections", Number(edge.connections));
		row.Set("accelerated", Number(edge.accelerated));
		js.Set(index++, row);
	}
	return js;
}

std::vector<std::pair<uint64_t, sidestep_listener>> ReadListeners(const Datapath& datapath) {
	return ReadAll<uint64_t, sidestep_listener>(datapath.map("listeners"));
}

uint32_t CountSockets(const Datapath& datapath) {
	return RunProgram(datapath.program("sidestep_tally_sockets"), "count the sockets in the map");
}

Napi::Value MapsToJs(Napi::Env env, const Datapath& datapath) {
	const sidestep_entries entries = ReadEntries(datapath);
	const struct {
		const char* name;
		uint32_t entries;
	} rows[] = {
		{ "pairs", entries.pairs },         { "sockets", CountSockets(datapath) },
		{ "half_open", entries.half_open }, { "listeners", entries.listeners },
		{ "workloads", entries.workloads }, { "edges", entries.edges },
	};
	Napi::Array js = Napi::Array::New(env, std::size(rows));
	uint32_t index = 0;
	for (const auto& row : rows) {
		bpf_map_info info{};
		uint32_t length = sizeof(info);
		if (bpf_obj_get_info_by_fd(datapath.map(row.name), &info, &length) < 0)
			throw KernelError("kernel_refused", std::string("read map ") + row.name, errno);
		Napi::Object one = Napi::Object::New(env);
		one.Set("name", row.name);
		one.Set("id", info.id);
		one.Set("entries", row.entries);
		one.Set("capacity", info.max_entries);
		js.Set(index++, one);
	}
	return js;
}

} // namespace sidestep
