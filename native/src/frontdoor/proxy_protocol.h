// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol, versions 1 and 2: who a connection is really from. Pure: bytes to addresses and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "address.h"

namespace sidestep::door {

enum class ProxyVersion : uint8_t { kNone, kV1, kV2 };

struct Ends {
	Address source;
	Address destination;
};

struct ProxyHeader {
	enum class Is { kComplete, kPartial, kBad } is = Is::kBad;
	// Bytes of it, when it is complete.
	size_t size = 0;
	// Nothing: the sender speaks for itself (LOCAL), or says that it does not know (UNKNOWN).
	std::optional<Ends> ends;
};

// A longer header is refused: nobody needs that much, and it is kept until it is whole.
constexpr size_t kLongestHeader = 2048;

ProxyHeader ReadProxyHeader(std::string_view bytes);
std::string WriteProxyHeader(ProxyVersion version, const Ends& ends);

} // namespace sidestep::door
