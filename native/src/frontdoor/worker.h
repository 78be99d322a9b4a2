// SPDX-License-Identifier: Apache-2.0
// A thread of the door: accepts on sockets of its own and serves the connections that it accepted, to their end.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "../unique_fd.h"
#include "listener.h"
#include "relay.h"

namespace sidestep::door {

constexpr size_t kChunk = 32 * 1024;

// Held by each thread that makes a descriptor: otherwise one could take what another gives up for a moment (Worker::spare_),
// and neither could refuse anybody from then on.
inline std::mutex descriptors;

class Worker {
      public:
	Worker();
	// Resets what is left, and waits for the thread.
	~Worker();

	// From any thread; done by this one, in order.
	void Open(std::shared_ptr<Listener> listener, UniqueFd socket);
	// Accepts what waits, then takes no more. Open connections go on.
	void Shut(std::shared_ptr<Listener> listener);
	void CutAll(std::shared_ptr<Listener> listener);

	// Of its own thread.
	int64_t now_ms() const { return now_ms_; }
	char* scratch() { return scratch_.get(); }
	uint32_t Turn() { return turn_++; }
	bool Watch(int fd, Source& source);
	void Schedule(Relay& relay, int64_t at_ms);
	void Cancel(Relay& relay);
	void Again(Relay& relay);
	void Bury(Relay& relay);

      private:
	class Gate;
	class Bell;

	void Tell(std::function<void()> what);
	void Run();
	void Obey();
	void Fire();
	int PatienceMs() const;
	bool Accept(Gate& gate);
	bool RefuseOne(Gate& gate);
	void Admit(Gate& gate, UniqueFd client, const Address& peer);
	void Forget();
	void Tick();

	UniqueFd epoll_;
	UniqueFd bell_fd_;
	// Given up for a moment when the process has no descriptors left, so that a client can be refused at all.
	UniqueFd spare_;
	std::unique_ptr<Bell> bell_;
	const int most_descriptor_;
	std::mutex mutex_;
	std::vector<std::function<void()>> told_;
	bool stopping_ = false;

	// More than one for a listener with sockets of a door that had more threads.
	std::unordered_multimap<const Listener*, std::unique_ptr<Gate>> gates_;
	std::vector<std::unique_ptr<Gate>> old_gates_;
	std::unordered_map<Relay*, std::unique_ptr<Relay>> relays_;
	std::vector<std::unique_ptr<Relay>> buried_;
	std::vector<Relay*> again_;
	Timers timers_;
	std::unique_ptr<char[]> scratch_;
	int64_t now_ms_ = 0;
	uint32_t turn_ = 0;
	std::thread thread_;
};

} // namespace sidestep::door
