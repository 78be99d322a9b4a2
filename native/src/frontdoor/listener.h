// SPDX-License-Identifier: Apache-2.0
// What threads share of a listener: settings and backends, each replaced as a whole, and counters.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "address.h"
#include "proxy_protocol.h"
#include "requests.h"
#include "shared.h"

// How a connection ended: X(symbol, name). The names are those of metrics and of the CLI.
#define SIDESTEP_DOOR_OUTCOMES(X)           \
	X(kClosed, "closed")                \
	X(kClientReset, "client_reset")     \
	X(kBackendReset, "backend_reset")   \
	X(kIdle, "idle")                    \
	X(kDrained, "drained")              \
	X(kClientLeft, "client_left")       \
	X(kNoBackend, "no_backend")         \
	X(kConnectFailed, "connect_failed") \
	X(kBadHeader, "bad_header")         \
	X(kDenied, "denied")                \
	X(kOverLimit, "over_limit")         \
	X(kNoDescriptors, "no_descriptors")

namespace sidestep::door {

enum class Outcome : uint8_t {
#define X(symbol, name) symbol,
	SIDESTEP_DOOR_OUTCOMES(X)
#undef X
		kCount
};

struct Settings {
	std::vector<Network> allow;
	std::vector<Network> deny;
	uint32_t max_connections = 0;
	uint32_t connect_timeout_ms = 0;
	uint32_t idle_timeout_ms = 0; // 0: never
	bool proxy_in = false;
	ProxyVersion proxy_out = ProxyVersion::kNone;
	Counting counting;
};

// Lives as long as a table or a connection names it: its counters go on when tables are replaced.
struct Backend {
	Address address;
	std::atomic<uint32_t> weight{ 0 };
	std::atomic<uint32_t> active{ 0 };
	std::atomic<uint64_t> total{ 0 };
	std::atomic<uint64_t> failures{ 0 };
	std::atomic<uint32_t> failures_in_row{ 0 };
	// Of the steady clock; until then others are tried first.
	std::atomic<int64_t> rests_until_ms{ 0 };
};

using Backends = std::vector<std::shared_ptr<Backend>>;

// Of all listeners that ever had one name: they never go back.
struct Totals {
	std::atomic<uint64_t> outcomes[static_cast<size_t>(Outcome::kCount)]{};
	// From clients to backends, and back.
	std::atomic<uint64_t> bytes_in{ 0 };
	std::atomic<uint64_t> bytes_out{ 0 };
	RequestTotals requests;
};

struct Listener {
	std::string name;
	Address address;
	std::shared_ptr<Totals> totals;
	Shared<Settings> settings;
	Shared<Backends> backends;
	std::atomic<uint32_t> active{ 0 };

	void Count(Outcome outcome) {
		totals->outcomes[static_cast<size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
	}
};

} // namespace sidestep::door
