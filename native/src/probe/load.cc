// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <linux/bpf.h>

#include <cerrno>
#include <cstring>
#include <iterator>

namespace sidestep::probe {
namespace {

// "r0 = returns; exit"
UniqueFd LoadAt(const Program& program, uint32_t target, char* log, uint32_t log_size) {
	bpf_insn code[2] = {};
	code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
	code[0].imm = program.returns;
	code[1].code = BPF_JMP | BPF_EXIT;
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = static_cast<bpf_attach_type>(program.attach_type),
		    .attach_btf_id = target, .log_size = log_size, .log_buf = log);
	return UniqueFd(bpf_prog_load(program.type, kName, "GPL", code, std::size(code), &opts));
}

// EPERM is about us, unless a program that needs the same capabilities (CAP_BPF and CAP_PERFMON)
// loads.
Step RefusedLoad(const Program& program, int err) {
	Step refused = Refused("load", err);
	if (err != EPERM || !program.btf_target) return refused;
	if (!LoadAt({ BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0, nullptr }, 0, nullptr, 0)) return refused;
	return { Answer::kNo,
		 refused.detail + " (no capability is missing: the kernel or a security module forbids it)" };
}

// What the verifier says before it reaches the first instruction is the reason; the rest is a listing.
std::string Reason(const char* log) {
	std::string line(log, strcspn(log, "\n"));
	bool reason = !line.empty() && line.rfind("0:", 0) != 0 && line.rfind("processed ", 0) != 0;
	return reason ? " (" + line + ")" : "";
}

constexpr bpf_insn Instruction(uint8_t code, uint8_t to, uint8_t from, int32_t value) {
	return { .code = code, .dst_reg = to, .src_reg = from, .off = 0, .imm = value };
}

constexpr bpf_insn Call(uint32_t function) {
	return Instruction(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, static_cast<int32_t>(function));
}

} // namespace

UniqueFd Load(const KernelBtf& btf, const Program& program, Step& loaded) {
	uint32_t target = 0;
	if (program.btf_target) {
		uint32_t kind = program.attach_type == BPF_TRACE_RAW_TP ? BTF_KIND_TYPEDEF : BTF_KIND_FUNC;
		loaded = btf.Find(program.btf_target, kind, target);
		if (loaded.answer != Answer::kYes) {
			loaded.detail = "load: " + loaded.detail;
			return UniqueFd();
		}
	}
	char log[4096] = "";
	UniqueFd prog = LoadAt(program, target, log, sizeof(log));
	loaded = prog ? Yes() : RefusedLoad(program, errno);
	if (!prog) loaded.detail += Reason(log);
	return prog;
}

Step LoadWithCasts(const KernelBtf& btf) {
	uint32_t to_kernel = 0, to_type = 0, type = 0;
	struct {
		const char* name;
		uint32_t kind;
		uint32_t& id;
	} needed[] = { { "bpf_cast_to_kern_ctx", BTF_KIND_FUNC, to_kernel },
		       { "bpf_rdonly_cast", BTF_KIND_FUNC, to_type },
		       { "sock", BTF_KIND_STRUCT, type } };
	for (auto& [name, kind, id] : needed) {
		Step found = btf.Find(name, kind, id);
		if (found.answer != Answer::kYes) return found;
	}
	const bpf_insn code[] = {
		Call(to_kernel),
		Instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0),
		Instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, static_cast<int32_t>(type)),
		Call(to_type),
		Instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 1),
		Instruction(BPF_JMP | BPF_EXIT, 0, 0, 0),
	};
	char log[4096] = "";
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_CGROUP_SOCK_OPS, .log_size = sizeof(log),
		    .log_buf = log);
	if (UniqueFd(bpf_prog_load(BPF_PROG_TYPE_SOCK_OPS, kName, "GPL", code, std::size(code), &opts))) return Yes();
	Step refused = Refused("load", errno);
	refused.detail += Reason(log);
	return refused;
}

} // namespace sidestep::probe
