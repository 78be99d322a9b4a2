// SPDX-License-Identifier: Apache-2.0
#pragma once

struct btf;

namespace sidestep {

// The layouts of include/mesh_layout.h, of the balancing object. See CheckFields.
void CheckMeshLayout(const btf* btf);

} // namespace sidestep
