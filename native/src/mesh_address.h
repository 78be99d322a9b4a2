// SPDX-License-Identifier: Apache-2.0
// Addresses between JavaScript, where they are text, and the programs, where all of them are IPv6 or v4-mapped.
#pragma once

#include <string>

#include "arguments.h"
#include "mesh_layout.h"

namespace sidestep {

// Complains by the name of the key when it is no address.
mesh_address AddressOf(const Arguments& from, const char* key);
std::string AddressText(const mesh_address& address);

} // namespace sidestep
