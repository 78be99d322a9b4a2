// SPDX-License-Identifier: Apache-2.0
// Maps, iterators, links and functions of the kernel.
#include <linux/bpf.h>
#include <unistd.h>

#include "attach.h"
#include "turn.h"

namespace sidestep {
namespace {

using namespace probe; // NOLINT(google-build-using-namespace): this file is its table of contents

Step MapStep(const UniqueFd& map) { return map ? Yes() : Refused("create", errno); }

Step IteratorStep(const KernelBtf& btf, const char* target, const UniqueFd* map) {
	if (map && !*map) return { Answer::kUnknown, "no map to iterate over" };
	Step loaded;
	UniqueFd prog = Load(btf, { BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, 0, target }, loaded);
	if (!prog) return loaded;
	bpf_iter_link_info info{};
	if (map) info.map.map_fd = static_cast<uint32_t>(map->get());
	return ReadIterator(prog.get(), map ? &info : nullptr);
}

Step LinkStep(const KernelBtf& btf, const Program& program, int target) {
	Step loaded;
	UniqueFd prog = Load(btf, program, loaded);
	if (!prog) return loaded;
	return Linked(UniqueFd(
		bpf_link_create(prog.get(), target, static_cast<bpf_attach_type>(program.attach_type), nullptr)));
}

} // namespace

Answer ProbeCasts() { return LoadWithCasts(KernelBtf()).answer; }

Answer ProbeFentry(const char* function) {
	Step loaded;
	UniqueFd prog = Load(KernelBtf(), { BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, 0, function }, loaded);
	if (!prog) return loaded.answer;
	return Linked(UniqueFd(bpf_raw_tracepoint_open(nullptr, prog.get()))).answer;
}

std::vector<FeatureProbe> ProbeFeatures() {
	auto turn = TakeTurn();
	ScratchCgroup cgroup;
	KernelBtf btf;
	std::vector<FeatureProbe> probes;
	auto add = [&](const char* name, const char* since, Step step) {
		probes.push_back({ name, step.answer, since, std::move(step.detail) });
	};
	UniqueFd sockhash = NewSockhash();
	add("sockhash map", "4.18", MapStep(sockhash));
	UniqueFd storage = NewSkStorage();
	add("sk_storage map", "5.2", MapStep(storage));
	add("ringbuf map", "5.8",
	    MapStep(NewMap(BPF_MAP_TYPE_RINGBUF, 0, 0, static_cast<uint32_t>(sysconf(_SC_PAGESIZE)))));
	add("lru hash map", "4.10", MapStep(NewMap(BPF_MAP_TYPE_LRU_HASH, 4, 4, 1)));
	add("tcp iterator", "5.9", IteratorStep(btf, "bpf_iter_tcp", nullptr));
	add("sockmap iterator", "5.10", IteratorStep(btf, "bpf_iter_sockmap", &sockhash));
	add("bpf_sk_storage_map iterator", "5.9", IteratorStep(btf, "bpf_iter_bpf_sk_storage_map", &storage));
	add("sockmap link", "6.10",
	    !sockhash ? Step{ Answer::kUnknown, "no sockhash to attach to" }
		      : LinkStep(btf, { BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT, SK_PASS, nullptr }, sockhash.get()));
	add("sock_ops cgroup link", "5.7",
	    cgroup.trouble() ? *cgroup.trouble()
			     : LinkStep(btf, { BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, 1, nullptr }, cgroup.fd()));
	add("bpf_rdonly_cast kfunc", "6.2", LoadWithCasts(btf));
	return probes;
}

} // namespace sidestep
