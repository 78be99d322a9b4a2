// SPDX-License-Identifier: Apache-2.0
#include "mesh_address.h"

#include <arpa/inet.h>

#include <cstring>

namespace sidestep {

mesh_address AddressOf(const Arguments& from, const char* key) {
	std::string text = from.Text(key);
	uint8_t bytes[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	if (inet_pton(AF_INET, text.c_str(), bytes + 12) != 1 && inet_pton(AF_INET6, text.c_str(), bytes) != 1)
		from.Complain(key, "must be an IP address, not \"" + text + "\"");
	mesh_address address;
	memcpy(&address, bytes, sizeof(address));
	return address;
}

std::string AddressText(const mesh_address& address) {
	char text[INET6_ADDRSTRLEN] = "";
	in6_addr v6;
	memcpy(&v6, &address, sizeof(v6));
	if (IN6_IS_ADDR_V4MAPPED(&v6)) {
		inet_ntop(AF_INET, &address.word[3], text, sizeof(text));
	} else {
		inet_ntop(AF_INET6, &v6, text, sizeof(text));
	}
	return text;
}

} // namespace sidestep
