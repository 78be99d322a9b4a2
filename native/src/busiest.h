// SPDX-License-Identifier: Apache-2.0
// The few pairs that somebody looks at, of the many that there are.
#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "datapath.h"
#include "layout.h"

namespace sidestep {

class Busiest {
      public:
	// At most `most` pairs: those whose ends have sent the most bytes since the last call, and then the most in all. What
	// is kept from one call to the next is a number for each pair.
	std::vector<std::pair<sidestep_pair_id, sidestep_pair>> Of(const Datapath& datapath, uint32_t most);

      private:
	std::unordered_map<sidestep_pair_id, uint64_t> sent_;
};

} // namespace sidestep
