// SPDX-License-Identifier: Apache-2.0
#include "groups.h"

#include <cstring>
#include <map>

#include "layout.h"
#include "tables.h"

namespace sidestep {
namespace {

struct Key {
	sidestep_edge_key edge{};
	uint64_t cgroup[2]{};
	uint32_t state = 0;
	int32_t selector = 0;

	// No padding: two that are alike have the same bytes.
	bool operator<(const Key& other) const { return memcmp(this, &other, sizeof(*this)) < 0; }
};
static_assert(sizeof(Key) == sizeof(sidestep_edge_key) + 24);

struct Group {
	sidestep_traffic sent[2]{};
	uint32_t connections = 0, accelerated = 0;
};

Key KeyOf(const sidestep_pair& pair) {
	const sidestep_endpoint& client = pair.end[SIDESTEP_CLIENT];
	const sidestep_endpoint& server = pair.end[SIDESTEP_SERVER];
	Key key;
	strncpy(key.edge.client, client.comm, SIDESTEP_COMM);
	strncpy(key.edge.server, server.comm, SIDESTEP_COMM);
	key.edge.port = server.port;
	key.cgroup[SIDESTEP_CLIENT] = client.cgroup;
	key.cgroup[SIDESTEP_SERVER] = server.cgroup;
	key.state = pair.state;
	key.selector = static_cast<int32_t>(pair.selector) - 1;
	return key;
}

void Add(sidestep_traffic& sum, const sidestep_traffic& more) {
	sum.redirected_bytes += more.redirected_bytes;
	sum.redirected_messages += more.redirected_messages;
	sum.passed_bytes += more.passed_bytes;
	sum.passed_messages += more.passed_messages;
}

void Count(Group& group, const sidestep_pair& pair) {
	for (uint32_t side : { SIDESTEP_CLIENT, SIDESTEP_SERVER })
		if (!(pair.closed & (1U << side))) Add(group.sent[side], SentBy(pair.end[side]));
	group.connections++;
	group.accelerated += pair.accelerated != 0;
}

} // namespace

Napi::Value GroupsToJs(Napi::Env env, const Datapath& datapath) {
	Refresh(datapath);
	std::map<Key, Group> groups;
	ForEachPair(datapath, [&](sidestep_pair_id, const sidestep_pair& pair) { Count(groups[KeyOf(pair)], pair); });
	Napi::Array js = Napi::Array::New(env, groups.size());
	uint32_t index = 0;
	for (const auto& [key, group] : groups) {
		Napi::HandleScope scope(env);
		Napi::Object row = Napi::Object::New(env);
		row.Set("state", StateName(key.state));
		row.Set("selector", key.selector);
		row.Set("client", Comm(key.edge.client));
		row.Set("server", Comm(key.edge.server));
		row.Set("port", key.edge.port);
		row.Set("clientCgroup", std::to_string(key.cgroup[SIDESTEP_CLIENT]));
		row.Set("serverCgroup", std::to_string(key.cgroup[SIDESTEP_SERVER]));
		row.Set("connections", group.connections);
		row.Set("accelerated", group.accelerated);
		row.Set("clientSent", TrafficToJs(env, group.sent[SIDESTEP_CLIENT]));
		row.Set("serverSent", TrafficToJs(env, group.sent[SIDESTEP_SERVER]));
		js.Set(index++, row);
	}
	return js;
}

} // namespace sidestep
