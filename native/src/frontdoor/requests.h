// SPDX-License-Identifier: Apache-2.0
// Counts the requests in what passes through a connection, and times their answers. It reads; it never changes a byte.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

// What became of a request: X(symbol, name). The names are those of metrics and of the CLI.
#define SIDESTEP_DOOR_ANSWERS(X) \
	X(k2xx, "2xx")           \
	X(k3xx, "3xx")           \
	X(k4xx, "4xx")           \
	X(k5xx, "5xx")           \
	X(kUpgraded, "upgraded") \
	X(kAnswered, "answered") \
	X(kUnanswered, "unanswered")

namespace sidestep::door {

enum class Answer : uint8_t {
#define X(symbol, name) symbol,
	SIDESTEP_DOOR_ANSWERS(X)
#undef X
		kCount
};

enum class Protocol : uint8_t { kNone, kHttp1, kLength };

// What the length in a message counts.
enum class Counts : uint8_t { kRest, kItself, kWhole };

// Where a message says how long it is.
struct LengthField {
	uint32_t at = 0; // bytes before it
	uint32_t bytes = 4;
	bool little = false;
	Counts counts = Counts::kRest;

	uint32_t counted() const {
		return counts == Counts::kRest ? 0 : counts == Counts::kItself ? bytes : at + bytes;
	}
};

struct Counting {
	Protocol protocol = Protocol::kNone;
	LengthField length;
};

// Upper bounds of how long answers took to begin, in microseconds; one bucket more than there are.
inline constexpr std::array<uint32_t, 17> kWaitBounds{ 50,      100,       250,       500,       1'000,     2'500,
						       5'000,   10'000,    25'000,    50'000,    100'000,   250'000,
						       500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000 };

struct RequestTotals {
	std::atomic<uint64_t> answers[static_cast<size_t>(Answer::kCount)]{};
	std::atomic<uint64_t> waits[kWaitBounds.size() + 1]{};
	std::atomic<uint64_t> waited_us{ 0 };
	// Connections in which something was met that is not of the protocol; from there on nothing was counted.
	std::atomic<uint64_t> unreadable{ 0 };

	void Count(Answer answer) { answers[static_cast<size_t>(answer)].fetch_add(1, std::memory_order_relaxed); }
};

// The messages of one direction. What it finds it tells the Requests that it belongs to.
class Framer {
      public:
	virtual ~Framer() = default;
	// False: this is not of the protocol.
	virtual bool Read(const char* bytes, size_t size) = 0;
	// There is no more: that may be how the last message ends.
	virtual bool End() { return true; }
	// What followed a request to speak otherwise turned out to be the same protocol.
	virtual void GoOn() {}
};

// Of one connection, by the thread that it belongs to.
class Requests {
      public:
	Requests(const Counting& counting, RequestTotals& totals);
	// What has no answer will have none.
	~Requests();

	void FromClient(const char* bytes, size_t size);
	void FromBackend(const char* bytes, size_t size);
	void BackendEnded();

	// Of the framers.
	enum class Kind : uint8_t { kPlain, kHead, kConnect };
	void Asked(Kind kind);
	void AskedWhole();
	// Nobody knows what the client speaks from here on before it is answered.
	void AskedToUpgrade() { undecided_ = true; }
	void AnswerBegun();
	void AnswerWhole(Answer answer);
	// An answer before the answer, as 100 is.
	void AnswerWasInterim() { begun_us_ = 0; }
	void Upgraded();
	// Of the request that is answered next.
	Kind next() const { return open_.empty() ? Kind::kPlain : open_.front().kind; }

      private:
	struct Open {
		Kind kind;
		int64_t whole_us; // 0: its end has not come yet
	};

	void GiveUp();

	RequestTotals& totals_;
	std::unique_ptr<Framer> client_;
	std::unique_ptr<Framer> backend_;
	std::deque<Open> open_;
	int64_t now_us_ = 0;
	int64_t begun_us_ = 0;
	bool undecided_ = false;
	// The request whose end has not come yet has been answered.
	bool answered_early_ = false;
	bool over_ = false;
};

std::unique_ptr<Framer> Http1Requests(Requests& requests);
std::unique_ptr<Framer> Http1Answers(Requests& requests);

} // namespace sidestep::door
