// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bpf/btf.h>

namespace sidestep {

// The layouts of include/reuseport_layout.h, of the chooser's object. Throws KernelError("layout_mismatch").
void CheckReuseportLayout(const btf* btf);

} // namespace sidestep
