// SPDX-License-Identifier: Apache-2.0
// What both classes of the front door are told by JavaScript.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "arguments.h"
#include "frontdoor/address.h"

namespace sidestep {

inline door::Address AddressFrom(const Arguments& from) {
	auto address = door::AddressOf(from.Text("address"), static_cast<uint16_t>(from.Number("port", 1, 65535)));
	if (!address) from.Complain("address", "must be an IP address");
	return *address;
}

// One of a list of objects.
inline Napi::Object Entry(const Arguments& from, const char* key, const Napi::Array& list, uint32_t index) {
	Napi::Value value = list.Get(index);
	if (!value.IsObject()) from.Complain(key, "must have objects");
	return value.As<Napi::Object>();
}

inline std::vector<door::Network> NetworksFrom(const Arguments& from, const char* key) {
	std::vector<door::Network> networks;
	Napi::Array list = from.List(key);
	for (uint32_t index = 0; index < list.Length(); index++) {
		Arguments entry(Entry(from, key, list, index), std::string("listen: ") + key);
		Napi::Array bytes = entry.List("address");
		door::Network network;
		if (bytes.Length() != network.address.size()) entry.Complain("address", "must have sixteen bytes");
		for (uint32_t at = 0; at < bytes.Length(); at++)
			network.address[at] = static_cast<uint8_t>(bytes.Get(at).As<Napi::Number>().Uint32Value());
		network.prefix = static_cast<uint8_t>(entry.Number("prefix", 0, 128));
		networks.push_back(network);
	}
	return networks;
}

} // namespace sidestep
