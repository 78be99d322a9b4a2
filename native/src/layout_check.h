// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bpf/btf.h>

#include <cstddef>
#include <span>

namespace sidestep {

// A field and its offset, or a struct (with an empty name) and its size, as this build knows them.
struct LayoutField {
	const char* type;
	const char* name;
	size_t offset;
};

// Compare the structs, as the BPF compiler laid them out, with what this addon was built from.
// Throws KernelError("layout_mismatch") that names the struct and field (m-struct-size-mismatch).
void CheckFields(const btf* btf, std::span<const LayoutField> sizes, std::span<const LayoutField> fields);

// The layouts of include/layout.h, of the datapath's object.
void CheckLayout(const btf* btf);

} // namespace sidestep
