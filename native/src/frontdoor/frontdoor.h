// SPDX-License-Identifier: Apache-2.0
// The front door: listeners by name, and the threads that serve them. No JavaScript.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "listener.h"
#include "worker.h"

namespace sidestep::door {

struct Target {
	Address address;
	uint32_t weight;
};

// Whether it is a socket that listens there.
bool ListensOn(int fd, const Address& address);

class FrontDoor {
      public:
	// Threads begin with the first listener.
	explicit FrontDoor(uint32_t threads) : threads_(threads) {}

	// Throws when the address is taken, and then has changed nothing. `handed`: sockets that listen there already; the rest is made.
	void Open(const std::string& name, const Address& address, Settings settings,
		  const std::vector<Target>& targets, std::vector<UniqueFd> handed);
	void Configure(const std::string& name, Settings settings);
	void SetBackends(const std::string& name, const std::vector<Target>& targets);
	// Takes no more connections; those that are open go on until they end, or are cut.
	void Shut(const std::string& name);
	// Resets what is left of listeners that were shut. Of all of them, when `name` is empty.
	void Cut(const std::string& name);
	// Those that were shut and have no connections left are forgotten.
	void Tidy();

	struct Row {
		std::shared_ptr<Listener> listener;
		bool open;
		// While it is open; they belong to the threads.
		std::vector<int> descriptors;
	};
	const std::vector<Row>& rows() const { return rows_; }
	const std::map<std::string, std::shared_ptr<Totals>>& totals() const { return totals_; }

      private:
	Listener& Named(const std::string& name);

	uint32_t threads_;
	std::vector<Row> rows_;
	std::map<std::string, std::shared_ptr<Totals>> totals_;
	std::vector<std::unique_ptr<Worker>> workers_;
};

} // namespace sidestep::door
