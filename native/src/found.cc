// SPDX-License-Identifier: Apache-2.0
#include "found.h"

#include <bpf/bpf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "layout.h"
#include "namespaces.h"
#include "worker.h"

namespace sidestep {
namespace {

// Half of what the map `found` holds: two sockets for each pair.
constexpr size_t kBatch = 1024;

struct Socket {
	sidestep_untracked row;
	uint32_t netns;
};

struct Found {
	sidestep_pair_id id;
	const Socket* end[2];
};

UniqueFd Iterator(const Datapath& datapath, const char* program) {
	UniqueFd link(bpf_link_create(datapath.program(program), 0, BPF_TRACE_ITER, nullptr));
	if (!link) throw KernelError("kernel_refused", std::string("attach ") + program, errno);
	return link;
}

// SOCK_OPS sees a socket whose cgroup is the served one or below it. The id of a cgroup is its directory's inode number.
std::unordered_set<uint64_t> ServedCgroups(const std::string& root) {
	std::unordered_set<uint64_t> ids;
	struct stat st{};
	std::error_code ignored;
	if (stat(root.c_str(), &st) == 0) ids.insert(st.st_ino);
	auto skip = std::filesystem::directory_options::skip_permission_denied;
	for (std::filesystem::recursive_directory_iterator at(root, skip, ignored), end; at != end;
	     at.increment(ignored)) {
		if (!ignored && at->is_directory(ignored) && stat(at->path().c_str(), &st) == 0) ids.insert(st.st_ino);
	}
	return ids;
}

std::vector<Socket> Untracked(const Datapath& datapath, const std::map<uint32_t, UniqueFd>& namespaces) {
	auto served = ServedCgroups(datapath.options().cgroup_path);
	UniqueFd link = Iterator(datapath, "sidestep_iter_find");
	std::vector<Socket> sockets;
	for (const auto& [inum, fd] : namespaces) {
		std::vector<char> bytes;
		RunIterator(link.get(), fd.get(),
			    [&](const char* some, size_t n) { bytes.insert(bytes.end(), some, some + n); });
		for (size_t at = 0; at + sizeof(sidestep_untracked) <= bytes.size(); at += sizeof(sidestep_untracked)) {
			Socket socket{ {}, inum };
			memcpy(&socket.row, bytes.data() + at, sizeof(socket.row));
			if (served.count(socket.row.cgroup)) sockets.push_back(socket);
		}
	}
	return sockets;
}

std::vector<Found> Match(const std::vector<Socket>& sockets) {
	std::unordered_map<sidestep_pair_id, const Socket*> servers;
	// Equal addresses in two namespaces may have equal numbers. Who belongs to whom cannot be told then.
	std::unordered_set<sidestep_pair_id> clients, twins;
	for (const Socket& socket : sockets) {
		if (!clients.insert(socket.row.as_client).second) twins.insert(socket.row.as_client);
		if (!servers.emplace(socket.row.as_server, &socket).second) twins.insert(socket.row.as_server);
	}
	std::vector<Found> pairs;
	for (const Socket& socket : sockets) {
		auto server = servers.find(socket.row.as_client);
		if (twins.count(socket.row.as_client)) continue;
		if (server != servers.end() && server->second != &socket)
			pairs.push_back({ socket.row.as_client, { &socket, server->second } });
	}
	return pairs;
}

class Finding : public Worker {
      public:
	Finding(Napi::Env env, std::shared_ptr<Datapath> datapath)
	    : Worker(env, "sidestep:find", std::move(datapath)) {}

      private:
	void Work(Datapath& datapath) override {
		auto namespaces = OpenNamespaces(nullptr);
		auto sockets = Untracked(datapath, namespaces);
		auto pairs = Match(sockets);
		sockets_ = sockets.size();
		pairs_ = pairs.size();
		if (pairs.empty()) return;
		UniqueFd link = Iterator(datapath, "sidestep_iter_track");
		for (size_t at = 0; at < pairs.size(); at += kBatch)
			Track(datapath, link.get(), namespaces, &pairs[at], std::min(kBatch, pairs.size() - at));
	}

	void Track(const Datapath& datapath, int link, const std::map<uint32_t, UniqueFd>& namespaces,
		   const Found* pairs, size_t count) {
		int map = datapath.map("found");
		std::set<uint32_t> inums;
		std::vector<uint64_t> keys;
		for (size_t i = 0; i < count; i++) {
			for (uint32_t side : { SIDESTEP_CLIENT, SIDESTEP_SERVER }) {
				const Socket* end = pairs[i].end[side];
				sidestep_found want{ pairs[i].id, side, 0 };
				if (bpf_map_update_elem(map, &end->row.sk, &want, BPF_ANY) < 0)
					throw KernelError("kernel_refused", "say which sockets were found", errno);
				inums.insert(end->netns);
				keys.push_back(end->row.sk);
			}
		}
		for (uint32_t inum : inums)
			RunIterator(link, namespaces.at(inum).get());
		for (size_t i = 0; i < keys.size(); i += 2) {
			uint32_t client = Took(map, keys[i]), server = Took(map, keys[i + 1]);
			tracked_ += client == FOUND_TRACKED && server == FOUND_TRACKED;
			unable_ += client == FOUND_UNABLE || server == FOUND_UNABLE;
		}
	}

	static uint32_t Took(int map, uint64_t key) {
		sidestep_found was{};
		bpf_map_lookup_and_delete_elem(map, &key, &was);
		return was.tracked;
	}

	Napi::Value Answer(Napi::Env env) override {
		Napi::Object js = Napi::Object::New(env);
		js.Set("sockets", static_cast<double>(sockets_));
		js.Set("pairs", static_cast<double>(pairs_));
		js.Set("tracked", tracked_);
		js.Set("unable", unable_);
		return js;
	}

	size_t sockets_ = 0, pairs_ = 0;
	uint32_t tracked_ = 0, unable_ = 0;
};

} // namespace

Napi::Value FindOpenPass(Napi::Env env, std::shared_ptr<Datapath> datapath) {
	return Worker::Start(new Finding(env, std::move(datapath)));
}

} // namespace sidestep
