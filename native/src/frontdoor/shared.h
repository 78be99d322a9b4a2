// SPDX-License-Identifier: Apache-2.0
// A value that is replaced as a whole while others read it. Readers keep what they took.
#pragma once

#include <memory>
#include <mutex>

namespace sidestep::door {

// Not std::atomic<std::shared_ptr>: its load in libstdc++ 12 is a data race, as ThreadSanitizer shows.
template <typename T> class Shared {
      public:
	explicit Shared(T first) : value_(std::make_shared<const T>(std::move(first))) {}

	std::shared_ptr<const T> load() const {
		std::lock_guard lock(mutex_);
		return value_;
	}
	void store(T next) {
		auto made = std::make_shared<const T>(std::move(next));
		std::lock_guard lock(mutex_);
		value_.swap(made);
	}

      private:
	mutable std::mutex mutex_;
	std::shared_ptr<const T> value_;
};

} // namespace sidestep::door
