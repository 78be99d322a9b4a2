// SPDX-License-Identifier: Apache-2.0
#include "frontdoor.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "../error.h"

namespace sidestep::door {
namespace {

// What waits to be accepted while a thread is busy; the kernel has a limit of its own, net.core.somaxconn.
constexpr int kBacklog = 4096;

std::string Words(const Address& address) {
	const bool six = address.family() == AF_INET6;
	return (six ? "[" : "") + address.host() + (six ? "]:" : ":") + std::to_string(address.port());
}

UniqueFd ListenOn(const Address& address) {
	UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
	const int on = 1;
	bool good = fd.valid();
	for (const int option : { SO_REUSEADDR, SO_REUSEPORT })
		good = good && setsockopt(fd.get(), SOL_SOCKET, option, &on, sizeof(on)) == 0;
	// One entry, one family.
	if (address.family() == AF_INET6)
		good = good && setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0;
	good = good && bind(fd.get(), address.raw(), address.length) == 0 && listen(fd.get(), kBacklog) == 0;
	// With the number in words: its usual causes are those of bpf(2).
	if (!good)
		throw KernelError("frontdoor_address", "listen on " + Words(address) + " (" + ErrnoWords(errno) + ")",
				  0);
	return fd;
}

// Those that were there go on counting.
Backends BackendsOf(const std::vector<Target>& targets, const Backends& before) {
	Backends after;
	for (const Target& target : targets) {
		auto found = std::find_if(before.begin(), before.end(), [&](const auto& known) {
			return known->address.port() == target.address.port() &&
			       known->address.sixteen() == target.address.sixteen();
		});
		auto backend = found == before.end() ? std::make_shared<Backend>() : *found;
		if (found == before.end()) backend->address = target.address;
		backend->weight = target.weight;
		after.push_back(std::move(backend));
	}
	return after;
}

} // namespace

bool ListensOn(int fd, const Address& address) {
	int listens = 0;
	socklen_t length = sizeof(listens);
	Address at;
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens == 1 &&
	       getsockname(fd, at.raw(), &at.length) == 0 && at.family() == address.family() &&
	       at.port() == address.port() && at.sixteen() == address.sixteen();
}

void FrontDoor::Open(const std::string& name, const Address& address, Settings settings,
		     const std::vector<Target>& targets, std::vector<UniqueFd> sockets) {
	while (sockets.size() < threads_)
		sockets.push_back(ListenOn(address));
	while (workers_.size() < threads_)
		workers_.push_back(std::make_unique<Worker>());
	auto& totals = totals_[name];
	if (!totals) totals = std::make_shared<Totals>();
	// Made in place: it holds what cannot be moved.
	std::shared_ptr<Listener> listener(new Listener{ name, address, totals, Shared<Settings>(std::move(settings)),
							 Shared<Backends>(BackendsOf(targets, {})) });
	Row row{ listener, true, {} };
	for (size_t index = 0; index < sockets.size(); index++) {
		row.descriptors.push_back(sockets[index].get());
		workers_[index % threads_]->Open(listener, std::move(sockets[index]));
	}
	rows_.push_back(std::move(row));
}

Listener& FrontDoor::Named(const std::string& name) {
	for (const Row& row : rows_)
		if (row.open && row.listener->name == name) return *row.listener;
	throw KernelError("not_found", "find the listener " + name, 0);
}

void FrontDoor::Configure(const std::string& name, Settings settings) {
	Named(name).settings.store(std::move(settings));
}

void FrontDoor::SetBackends(const std::string& name, const std::vector<Target>& targets) {
	Listener& listener = Named(name);
	listener.backends.store(BackendsOf(targets, *listener.backends.load()));
}

void FrontDoor::Shut(const std::string& name) {
	for (Row& row : rows_) {
		if (!row.open || row.listener->name != name) continue;
		for (const auto& worker : workers_)
			worker->Shut(row.listener);
		row.open = false;
		row.descriptors.clear();
	}
}

void FrontDoor::Cut(const std::string& name) {
	for (const Row& row : rows_)
		if (!row.open && (name.empty() || row.listener->name == name))
			for (const auto& worker : workers_)
				worker->CutAll(row.listener);
}

void FrontDoor::Tidy() {
	std::erase_if(rows_, [](const Row& row) { return !row.open && row.listener->active.load() == 0; });
	if (rows_.empty()) workers_.clear();
}

} // namespace sidestep::door
