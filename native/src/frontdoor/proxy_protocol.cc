// SPDX-License-Identifier: Apache-2.0
#include "proxy_protocol.h"

#include <charconv>

namespace sidestep::door {
namespace {

using Is = ProxyHeader::Is;

constexpr std::string_view kFirst = "PROXY ";
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
// With its line end.
constexpr size_t kLongestLine = 107;
constexpr size_t kFixed = 16;
constexpr char kLocal = 0x20, kProxy = 0x21;
constexpr uint8_t kUnspecified = 0x00, kTcp4 = 0x11, kTcp6 = 0x21;

bool BeginsLike(std::string_view bytes, std::string_view what) {
	const size_t length = std::min(bytes.size(), what.size());
	return bytes.substr(0, length) == what.substr(0, length);
}

std::vector<std::string_view> Words(std::string_view line) {
	std::vector<std::string_view> words;
	for (;;) {
		const size_t space = line.find(' ');
		words.push_back(line.substr(0, space));
		if (space == std::string_view::npos) return words;
		line.remove_prefix(space + 1);
	}
}

std::optional<uint16_t> PortOf(std::string_view text) {
	uint16_t port = 0;
	auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
	if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
	return port;
}

std::optional<Address> Told(std::string_view host, std::string_view port, int family) {
	auto number = PortOf(port);
	auto address = number ? AddressOf(std::string(host), *number) : std::nullopt;
	return address && address->family() == family ? address : std::nullopt;
}

ProxyHeader ReadLine(std::string_view bytes) {
	const size_t end = bytes.substr(0, kLongestLine).find("\r\n");
	if (end == std::string_view::npos) return { bytes.size() < kLongestLine ? Is::kPartial : Is::kBad, 0, {} };
	auto words = Words(bytes.substr(0, end));
	if (words.size() >= 2 && words[1] == "UNKNOWN") return { Is::kComplete, end + 2, {} };
	if (words.size() != 6 || (words[1] != "TCP4" && words[1] != "TCP6")) return {};
	const int family = words[1] == "TCP4" ? AF_INET : AF_INET6;
	auto source = Told(words[2], words[4], family);
	auto destination = Told(words[3], words[5], family);
	if (!source || !destination) return {};
	return { Is::kComplete, end + 2, Ends{ *source, *destination } };
}

template <typename Sockaddr, typename Bytes>
Address Binary(int family, const char* address, const char* port, Bytes Sockaddr::* host, in_port_t Sockaddr::* number,
	       sa_family_t Sockaddr::* kind) {
	Address result;
	auto& raw = reinterpret_cast<Sockaddr&>(result.storage);
	raw.*kind = static_cast<sa_family_t>(family);
	memcpy(&(raw.*host), address, sizeof(Bytes));
	memcpy(&(raw.*number), port, sizeof(in_port_t));
	result.length = sizeof(Sockaddr);
	return result;
}

Address Four(const char* host, const char* port) {
	return Binary(AF_INET, host, port, &sockaddr_in::sin_addr, &sockaddr_in::sin_port, &sockaddr_in::sin_family);
}

Address Six(const char* host, const char* port) {
	return Binary(AF_INET6, host, port, &sockaddr_in6::sin6_addr, &sockaddr_in6::sin6_port,
		      &sockaddr_in6::sin6_family);
}

ProxyHeader ReadBinary(std::string_view bytes) {
	if (bytes.size() < kFixed) return { Is::kPartial, 0, {} };
	const size_t rest = static_cast<uint8_t>(bytes[14]) << 8 | static_cast<uint8_t>(bytes[15]);
	const size_t size = kFixed + rest;
	if ((bytes[12] != kLocal && bytes[12] != kProxy) || size > kLongestHeader) return {};
	if (bytes.size() < size) return { Is::kPartial, 0, {} };
	const auto family = static_cast<uint8_t>(bytes[13]);
	const char* at = bytes.data() + kFixed;
	if (bytes[12] == kLocal || family == kUnspecified) return { Is::kComplete, size, {} };
	if (family == kTcp4 && rest >= 12)
		return { Is::kComplete, size, Ends{ Four(at, at + 8), Four(at + 4, at + 10) } };
	if (family == kTcp6 && rest >= 36)
		return { Is::kComplete, size, Ends{ Six(at, at + 32), Six(at + 16, at + 34) } };
	return {};
}

std::string Line(const Ends& ends, bool known) {
	if (!known) return "PROXY UNKNOWN\r\n";
	const char* kind = ends.source.family() == AF_INET ? "TCP4 " : "TCP6 ";
	return std::string(kFirst) + kind + ends.source.host() + " " + ends.destination.host() + " " +
	       std::to_string(ends.source.port()) + " " + std::to_string(ends.destination.port()) + "\r\n";
}

void Append(std::string& to, const void* bytes, size_t size) { to.append(static_cast<const char*>(bytes), size); }

std::string Bytes(const Ends& ends, bool known) {
	std::string header(kSignature);
	const bool four = ends.source.family() == AF_INET;
	const uint8_t rest = !known ? 0 : four ? 12 : 36;
	header += kProxy;
	header += static_cast<char>(!known ? kUnspecified : four ? kTcp4 : kTcp6);
	header += '\0';
	header += static_cast<char>(rest);
	if (!known) return header;
	if (four) {
		Append(header, &ends.source.v4().sin_addr, 4);
		Append(header, &ends.destination.v4().sin_addr, 4);
	} else {
		Append(header, &ends.source.v6().sin6_addr, 16);
		Append(header, &ends.destination.v6().sin6_addr, 16);
	}
	for (const uint16_t port : { htons(ends.source.port()), htons(ends.destination.port()) })
		Append(header, &port, 2);
	return header;
}

} // namespace

ProxyHeader ReadProxyHeader(std::string_view bytes) {
	if (BeginsLike(bytes, kFirst))
		return bytes.size() < kFirst.size() ? ProxyHeader{ Is::kPartial, 0, {} } : ReadLine(bytes);
	if (BeginsLike(bytes, kSignature)) return ReadBinary(bytes);
	return {};
}

std::string WriteProxyHeader(ProxyVersion version, const Ends& ends) {
	const bool known = ends.source.family() == ends.destination.family();
	return version == ProxyVersion::kV1 ? Line(ends, known) : Bytes(ends, known);
}

} // namespace sidestep::door
