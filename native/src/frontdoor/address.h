// SPDX-License-Identifier: Apache-2.0
// Socket addresses and networks, IPv4 as v4-mapped where the two are compared.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace sidestep::door {

struct Address {
	sockaddr_storage storage{};
	socklen_t length = sizeof(sockaddr_storage);

	int family() const { return storage.ss_family; }
	sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
	const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
	const sockaddr_in& v4() const { return reinterpret_cast<const sockaddr_in&>(storage); }
	const sockaddr_in6& v6() const { return reinterpret_cast<const sockaddr_in6&>(storage); }

	uint16_t port() const { return ntohs(family() == AF_INET ? v4().sin_port : v6().sin6_port); }

	std::string host() const {
		char text[INET6_ADDRSTRLEN] = "";
		const void* bytes = family() == AF_INET ? static_cast<const void*>(&v4().sin_addr) : &v6().sin6_addr;
		inet_ntop(family(), bytes, text, sizeof(text));
		return text;
	}

	std::array<uint8_t, 16> sixteen() const {
		std::array<uint8_t, 16> bytes{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
		if (family() == AF_INET) {
			memcpy(&bytes[12], &v4().sin_addr, 4);
		} else {
			memcpy(bytes.data(), &v6().sin6_addr, 16);
		}
		return bytes;
	}
};

// Nothing when the text is no address.
inline std::optional<Address> AddressOf(const std::string& host, uint16_t port) {
	Address address;
	auto& four = reinterpret_cast<sockaddr_in&>(address.storage);
	auto& six = reinterpret_cast<sockaddr_in6&>(address.storage);
	if (inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) {
		four.sin_family = AF_INET;
		four.sin_port = htons(port);
		address.length = sizeof(four);
	} else if (inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1) {
		six.sin6_family = AF_INET6;
		six.sin6_port = htons(port);
		address.length = sizeof(six);
	} else {
		return std::nullopt;
	}
	return address;
}

struct Network {
	std::array<uint8_t, 16> address{};
	uint8_t prefix = 0;

	bool Has(const std::array<uint8_t, 16>& other) const {
		const size_t whole = prefix / 8;
		const int rest = prefix % 8;
		if (memcmp(address.data(), other.data(), whole) != 0) return false;
		return rest == 0 || (address[whole] ^ other[whole]) >> (8 - rest) == 0;
	}
};

inline bool AnyHas(const std::vector<Network>& networks, const std::array<uint8_t, 16>& address) {
	for (const Network& network : networks)
		if (network.Has(address)) return true;
	return false;
}

} // namespace sidestep::door
