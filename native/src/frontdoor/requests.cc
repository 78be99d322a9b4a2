// SPDX-License-Identifier: Apache-2.0
#include "requests.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sidestep::door {
namespace {

// More requests than that without an answer to the first are not followed.
constexpr size_t kMostOpen = 1024;
// A length beyond this is no length.
constexpr uint64_t kLongest = 1ULL << 40;

int64_t NowUs() {
	using std::chrono::microseconds;
	return std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Messages that begin with how long they are.
class LengthFramer final : public Framer {
      public:
	LengthFramer(const LengthField& field, Requests& requests, bool answers)
	    : field_(field), requests_(requests), answers_(answers) {}

	bool Read(const char* bytes, size_t size) override {
		while (size > 0) {
			size_t taken = 1;
			if (left_ == 0) {
				if (!TakeHead(static_cast<uint8_t>(*bytes))) return false;
			} else {
				taken = std::min<uint64_t>(left_, size);
				left_ -= taken;
				if (left_ == 0) Whole();
			}
			bytes += taken;
			size -= taken;
		}
		return true;
	}

      private:
	bool TakeHead(uint8_t byte) {
		if (seen_ == 0) answers_ ? requests_.AnswerBegun() : requests_.Asked(Requests::Kind::kPlain);
		if (seen_ >= field_.at && field_.little)
			value_ |= static_cast<uint64_t>(byte) << (8 * (seen_ - field_.at));
		else if (seen_ >= field_.at)
			value_ = value_ << 8 | byte;
		if (++seen_ < field_.at + field_.bytes) return true;
		if (value_ > kLongest || value_ < field_.counted()) return false;
		left_ = value_ - field_.counted();
		seen_ = 0;
		value_ = 0;
		if (left_ == 0) Whole();
		return true;
	}

	void Whole() { answers_ ? requests_.AnswerWhole(Answer::kAnswered) : requests_.AskedWhole(); }

	LengthField field_;
	Requests& requests_;
	bool answers_;
	uint32_t seen_ = 0; // of the head
	uint64_t value_ = 0;
	uint64_t left_ = 0; // behind it
};

} // namespace

Requests::Requests(const Counting& counting, RequestTotals& totals) : totals_(totals) {
	if (counting.protocol == Protocol::kHttp1) {
		client_ = Http1Requests(*this);
		backend_ = Http1Answers(*this);
	} else {
		client_ = std::make_unique<LengthFramer>(counting.length, *this, false);
		backend_ = std::make_unique<LengthFramer>(counting.length, *this, true);
	}
}

Requests::~Requests() {
	for (size_t left = open_.size(); left > 0; left--)
		totals_.Count(Answer::kUnanswered);
}

void Requests::FromClient(const char* bytes, size_t size) {
	if (over_) return;
	now_us_ = NowUs();
	if (undecided_ || !client_->Read(bytes, size)) GiveUp();
}

void Requests::FromBackend(const char* bytes, size_t size) {
	if (over_) return;
	now_us_ = NowUs();
	if (!backend_->Read(bytes, size) && !over_) GiveUp();
}

void Requests::BackendEnded() {
	if (!over_ && !backend_->End()) GiveUp();
}

void Requests::Asked(Kind kind) {
	if (!over_) open_.push_back({ kind, 0 });
}

void Requests::AskedWhole() {
	if (over_ || std::exchange(answered_early_, false)) return;
	open_.back().whole_us = now_us_;
	if (open_.size() > kMostOpen) GiveUp();
}

void Requests::AnswerBegun() {
	// A server that speaks first speaks something else.
	if (open_.empty()) return GiveUp();
	begun_us_ = now_us_;
}

void Requests::AnswerWhole(Answer answer) {
	if (over_) return;
	const int64_t whole_us = open_.front().whole_us;
	answered_early_ = whole_us == 0;
	const int64_t waited_us = answered_early_ ? 0 : begun_us_ - whole_us;
	const auto bucket = std::lower_bound(kWaitBounds.begin(), kWaitBounds.end(), waited_us);
	totals_.Count(answer);
	totals_.waits[bucket - kWaitBounds.begin()].fetch_add(1, std::memory_order_relaxed);
	totals_.waited_us.fetch_add(static_cast<uint64_t>(waited_us), std::memory_order_relaxed);
	open_.pop_front();
	if (undecided_ && open_.empty()) {
		undecided_ = false;
		client_->GoOn();
	}
}

void Requests::Upgraded() {
	AnswerWhole(Answer::kUpgraded);
	over_ = true;
}

void Requests::GiveUp() {
	if (over_) return;
	over_ = true;
	open_.clear();
	totals_.unreadable.fetch_add(1, std::memory_order_relaxed);
}

} // namespace sidestep::door
