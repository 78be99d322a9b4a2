// SPDX-License-Identifier: Apache-2.0
// One connection through the door: from the accepted socket to that of a backend, and what happens on either.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../unique_fd.h"
#include "listener.h"

namespace sidestep::door {

class Relay;
class Worker;

// What epoll speaks of.
class Source {
      public:
	virtual void Heard(uint32_t events) = 0;

      protected:
	~Source() = default;
};

// One of the two sockets.
class End final : public Source {
      public:
	explicit End(Relay& relay) : relay_(relay) {}
	void Heard(uint32_t events) override;

	UniqueFd fd;
	bool readable = false;
	bool writable = false;
	// The other side has ended its direction: a short read does not mean that there is nothing more to hear.
	bool hung = false;
	bool failed = false;

      private:
	Relay& relay_;
};

// One direction. What it holds is bounded: nothing is read while anything is held.
struct Flow {
	End& from;
	End& to;
	std::atomic<uint64_t>& bytes;
	std::unique_ptr<char[]> held{};
	size_t begin = 0;
	size_t end = 0;
	bool ended = false; // its last byte was read
	bool shut = false;  // and written, and the end passed on
};

using Timers = std::multimap<int64_t, Relay*>;

class Relay {
      public:
	Relay(Worker& worker, std::shared_ptr<Listener> listener, UniqueFd client, const Address& peer);
	~Relay();

	void Begin();
	void Heard(End& end, uint32_t events);
	void Due();
	void Go();
	// Both ends are told that it is over.
	void Cut(Outcome outcome);

	const Listener* listener() const { return listener_.get(); }
	bool over() const { return stage_ == Stage::kOver; }

	// Of the worker.
	Timers::iterator timer{};
	bool timed = false;
	bool again = false;

      private:
	enum class Stage : uint8_t { kHeader, kConnecting, kRelaying, kLingering, kOver };
	enum class Pumped : uint8_t { kDone, kMore, kFromFailed, kToFailed };

	void ReadHeader();
	void Connect();
	void ConnectFailed();
	void Established();
	void Introduce();
	Pumped Pump(Flow& flow);
	Pumped Flush(Flow& flow);
	Pumped Take(Flow& flow);
	void Count(const Flow& flow, const char* bytes, size_t size);
	void Hold(Flow& flow, const char* bytes, size_t size);
	void Mourn(End& dead);
	void Linger();
	void Over(Outcome outcome, bool reset);

	Worker& worker_;
	std::shared_ptr<Listener> listener_;
	std::shared_ptr<const Settings> settings_;
	std::shared_ptr<Backend> backend_;
	std::vector<Backend*> tried_;
	Ends told_;
	End client_;
	End upstream_;
	Flow in_;
	Flow out_;
	std::unique_ptr<Requests> requests_;
	Stage stage_ = Stage::kHeader;
	Outcome outcome_ = Outcome::kClosed;
	int64_t deadline_ms_ = 0;
	int64_t moved_ms_ = 0;
};

} // namespace sidestep::door
