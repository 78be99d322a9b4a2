// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace sidestep {

struct MigrationProbe {
	std::string migrates; // yes, no, unknown
	std::string wakes;
	std::string detail;
};

// What becomes of connections that wait at a listener that closes, tried on throw-away sockets in a namespace of its
// own: do they move to another one, and is that one woken (rp-migrated-not-woken)? Takes up to half a second; call it
// off the event loop.
MigrationProbe ProbeMigration();

} // namespace sidestep
