// SPDX-License-Identifier: Apache-2.0
// Throw-away targets: a cgroup that no process enters, maps, a network namespace. They go with their owner.
#pragma once

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <functional>
#include <optional>
#include <string>

#include "../unique_fd.h"
#include "step.h"

namespace sidestep::probe {

inline constexpr char kName[] = "sidestep_probe";

// A cgroup of our own that no process ever enters.
class ScratchCgroup {
      public:
	ScratchCgroup();
	~ScratchCgroup();
	ScratchCgroup(const ScratchCgroup&) = delete;
	ScratchCgroup& operator=(const ScratchCgroup&) = delete;

	int fd() const { return fd_.get(); }
	const std::optional<Step>& trouble() const { return trouble_; }

      private:
	std::string path_;
	UniqueFd fd_;
	std::optional<Step> trouble_;
};

// The kernel's BTF, parsed once: it is megabytes, and libbpf_find_vmlinux_btf_id() parses it at each call.
class KernelBtf {
      public:
	KernelBtf() : btf_(btf__load_vmlinux_btf()) {}
	~KernelBtf() { btf__free(btf_); }
	KernelBtf(const KernelBtf&) = delete;
	KernelBtf& operator=(const KernelBtf&) = delete;

	Step Find(const char* name, uint32_t kind, uint32_t& id) const;

      private:
	btf* btf_;
};

UniqueFd NewMap(bpf_map_type type, uint32_t key, uint32_t value, uint32_t entries,
		const bpf_map_create_opts* opts = nullptr);
UniqueFd NewSockhash();
UniqueFd NewSkStorage();

// What the probes share while they run.
struct Scratch {
	ScratchCgroup cgroup;
	KernelBtf btf;
	UniqueFd sockhash = NewSockhash();
};

// Runs `body` in a thread and a network namespace of its own; both are gone when it returns.
Step InNewNamespace(const std::function<Step()>& body);

} // namespace sidestep::probe
