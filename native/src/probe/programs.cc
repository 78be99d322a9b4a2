// SPDX-License-Identifier: Apache-2.0
// Every program type that this version knows, how it is attached, and what Sidestep uses it for.
#include <linux/bpf.h>

#include "attach.h"
#include "turn.h"

namespace sidestep {
namespace {

using namespace probe; // NOLINT(google-build-using-namespace): this file is its table of contents

struct Row {
	const char* name;
	Program program;
	Step (*attach)(Scratch&, const Program&, int prog);
	const char* use;
};

// Tracing programs return 1 where 0 would drop the perf samples of all who watch the same event.
constexpr Row kRows[] = {
	{ "sock_ops",
	  { BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, 1, nullptr },
	  AttachCgroup,
	  "pairs the two ends of local connections" },
	{ "sk_msg",
	  { BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT, SK_PASS, nullptr },
	  AttachSockhash,
	  "redirects messages" },
	{ "sk_skb",
	  { BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_VERDICT, SK_PASS, nullptr },
	  AttachSockhash,
	  "one receive queue" },
	{ "iter",
	  { BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, 0, "bpf_iter_tcp" },
	  AttachIterator,
	  "adopt, retire, list pairs" },
	{ "sk_reuseport",
	  { BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT, SK_PASS, nullptr },
	  AttachReuseport,
	  "balances listeners that share a port" },
	{ "cgroup_sock_addr",
	  { BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, 1, nullptr },
	  AttachCgroup,
	  "balances connections to services" },
	{ "tracepoint",
	  { BPF_PROG_TYPE_TRACEPOINT, 0, 1, nullptr },
	  AttachTracepoint,
	  "not used: it slows every system call" },
	{ "raw_tracepoint",
	  { BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0, nullptr },
	  AttachRawTracepoint,
	  "the guard watches how programs read" },
	{ "tp_btf",
	  { BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, 0, "btf_trace_sched_switch" },
	  AttachRawTracepoint,
	  "the guard watches how programs read" },
	{ "fentry",
	  { BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, 0, kFunction },
	  AttachTrampoline,
	  "the guard on the splice path, where it can attach (planned)" },
	{ "kprobe",
	  { BPF_PROG_TYPE_KPROBE, 0, 1, nullptr },
	  AttachKprobe,
	  "not used: tracepoints are stable, kernel functions are not" },
	{ "lsm",
	  { BPF_PROG_TYPE_LSM, BPF_LSM_MAC, 0, "bpf_lsm_socket_bind" },
	  AttachTrampoline,
	  "not used: Sidestep forbids nothing" },
	{ "perf_event", { BPF_PROG_TYPE_PERF_EVENT, 0, 1, nullptr }, AttachPerfEvent, "not used: nothing is sampled" },
	{ "xdp",
	  { BPF_PROG_TYPE_XDP, BPF_XDP, 2 /* XDP_PASS */, nullptr },
	  AttachXdp,
	  "not used: local messages never become packets" },
	{ "sched_cls",
	  { BPF_PROG_TYPE_SCHED_CLS, 0, 0 /* TC_ACT_OK */, nullptr },
	  AttachSchedCls,
	  "not used: local messages never become packets" },
	{ "sched_act", { BPF_PROG_TYPE_SCHED_ACT, 0, 0, nullptr }, NotTried, "not used: sched_cls can do the same" },
	{ "cgroup_skb",
	  { BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, 1, nullptr },
	  AttachCgroup,
	  "not used: local messages never become packets" },
	{ "cgroup_sock",
	  { BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, 1, nullptr },
	  AttachCgroup,
	  "not used: sock_ops sees the connections" },
	{ "cgroup_sockopt",
	  { BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT, 1, nullptr },
	  AttachCgroup,
	  "not used" },
	{ "cgroup_sysctl", { BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL, 1, nullptr }, AttachCgroup, "not used" },
	{ "cgroup_device", { BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, 1, nullptr }, AttachCgroup, "not used" },
	{ "sk_lookup",
	  { BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, SK_PASS, nullptr },
	  AttachNamespace,
	  "hands calls of the front door to backends" },
	{ "flow_dissector",
	  { BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR, 0 /* BPF_OK */, nullptr },
	  AttachNamespace,
	  "not used" },
	{ "socket_filter", { BPF_PROG_TYPE_SOCKET_FILTER, 0, 1, nullptr }, AttachSocketFilter, "not used" },
	{ "lwt_in", { BPF_PROG_TYPE_LWT_IN, 0, 0, nullptr }, NotTried, "not used: routes stay as they are" },
	{ "lwt_out", { BPF_PROG_TYPE_LWT_OUT, 0, 0, nullptr }, NotTried, "not used: routes stay as they are" },
	{ "lwt_xmit", { BPF_PROG_TYPE_LWT_XMIT, 0, 0, nullptr }, NotTried, "not used: routes stay as they are" },
	{ "lirc_mode2",
	  { BPF_PROG_TYPE_LIRC_MODE2, BPF_LIRC_MODE2, 0, nullptr },
	  AttachLirc,
	  "not used: infrared remote controls" },
};

ProgramProbe ProbeOne(Scratch& scratch, const Row& row) {
	Step loaded;
	UniqueFd prog = Load(scratch.btf, row.program, loaded);
	if (!prog) return { row.name, loaded.answer, loaded.answer, loaded.detail, row.use };
	Step attached = row.attach(scratch, row.program, prog.get());
	return { row.name, Answer::kYes, attached.answer, attached.detail, row.use };
}

} // namespace

std::vector<ProgramProbe> ProbePrograms() {
	auto turn = TakeTurn();
	Scratch scratch;
	std::vector<ProgramProbe> probes;
	for (const Row& row : kRows)
		probes.push_back(ProbeOne(scratch, row));
	return probes;
}

} // namespace sidestep
