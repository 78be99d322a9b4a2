// SPDX-License-Identifier: Apache-2.0
#pragma once

struct btf;

namespace sidestep {

// Compare the structs of layout.h, as the BPF compiler laid them out, with what this addon was built from.
// Throws KernelError("layout_mismatch") that names the struct and field (m-struct-size-mismatch).
void CheckLayout(const btf* btf);

// The same for mesh_layout.h and the object of the balancing programs.
void CheckMeshLayout(const btf* btf);

} // namespace sidestep
