// SPDX-License-Identifier: Apache-2.0
#include "busiest.h"

#include <bpf/bpf.h>

#include <algorithm>

#include "tables.h"

namespace sidestep {
namespace {

struct Candidate {
	uint64_t since;
	uint64_t sent;
	sidestep_pair_id id;
};

bool Busier(const Candidate& a, const Candidate& b) {
	if (a.since != b.since) return a.since > b.since;
	return a.sent != b.sent ? a.sent > b.sent : a.id < b.id;
}

uint64_t BytesOf(const sidestep_pair& pair) {
	uint64_t bytes = 0;
	for (const sidestep_endpoint& end : pair.end) {
		const sidestep_traffic sent = SentBy(end);
		bytes += sent.redirected_bytes + sent.passed_bytes;
	}
	return bytes;
}

} // namespace

std::vector<std::pair<sidestep_pair_id, sidestep_pair>> Busiest::Of(const Datapath& datapath, uint32_t most) {
	std::unordered_map<sidestep_pair_id, uint64_t> now;
	std::vector<Candidate> all;
	now.reserve(sent_.size());
	all.reserve(sent_.size());
	ForEachPair(datapath, [&](sidestep_pair_id id, const sidestep_pair& pair) {
		const uint64_t sent = BytesOf(pair);
		const auto before = sent_.find(id);
		// What TCP has carried is only estimated while a connection is open, and may be a little less later.
		const uint64_t then = before == sent_.end() ? 0 : std::min(before->second, sent);
		all.push_back({ sent - then, sent, id });
		now[id] = sent;
	});
	sent_ = std::move(now);
	const auto end = all.begin() + std::min<size_t>(most, all.size());
	std::partial_sort(all.begin(), end, all.end(), Busier);
	std::vector<std::pair<sidestep_pair_id, sidestep_pair>> found;
	const int map = datapath.map("pairs");
	for (auto one = all.begin(); one != end; ++one) {
		sidestep_pair pair;
		// It may have closed meanwhile.
		if (bpf_map_lookup_elem(map, &one->id, &pair) == 0) found.emplace_back(one->id, pair);
	}
	return found;
}

} // namespace sidestep
