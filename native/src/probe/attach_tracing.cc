// SPDX-License-Identifier: Apache-2.0
// Tracing programs: perf events, tracepoints, trampolines, iterators.
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <optional>

#include "attach.h"

namespace sidestep::probe {
namespace {

// Only this thread's events are counted, and the event is never enabled.
Step AttachPerf(perf_event_attr attr, int prog) {
	attr.size = sizeof(attr);
	attr.disabled = 1;
	UniqueFd event(static_cast<int>(syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
	if (!event) return Refused("attach: perf_event_open", errno);
	if (ioctl(event.get(), PERF_EVENT_IOC_SET_BPF, prog) < 0) return Refused("attach", errno);
	return Yes();
}

std::optional<unsigned> ReadNumber(const std::string& path) {
	std::ifstream file(path);
	unsigned number;
	if (file >> number) return number;
	return std::nullopt;
}

} // namespace

Step AttachKprobe(Scratch&, const Program&, int prog) {
	const std::string devices = "/sys/bus/event_source/devices";
	if (access(devices.c_str(), X_OK) < 0) return CouldNotAsk("attach: read " + devices, errno);
	std::optional<unsigned> type = ReadNumber(devices + "/kprobe/type");
	if (!type) return { Answer::kNo, "attach: the kernel has no kprobe PMU (built without CONFIG_KPROBE_EVENTS)" };
	perf_event_attr attr{};
	attr.type = *type;
	attr.kprobe_func = reinterpret_cast<uintptr_t>(kFunction);
	return AttachPerf(attr, prog);
}

Step AttachTracepoint(Scratch&, const Program&, int prog) {
	for (const char* root : { "/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events" }) {
		if (access(root, X_OK) < 0) continue;
		std::optional<unsigned> id = ReadNumber(std::string(root) + "/syscalls/sys_enter_getpid/id");
		if (!id)
			return { Answer::kNo, "attach: syscalls:sys_enter_getpid is not in tracefs "
					      "(built without CONFIG_FTRACE_SYSCALLS)" };
		perf_event_attr attr{};
		attr.type = PERF_TYPE_TRACEPOINT;
		attr.config = *id;
		attr.sample_period = 1;
		return AttachPerf(attr, prog);
	}
	return { Answer::kUnknown, "attach: not tried: tracefs, which holds the ids of events, is "
				   "not mounted or not readable" };
}

Step AttachPerfEvent(Scratch&, const Program&, int prog) {
	perf_event_attr attr{};
	attr.type = PERF_TYPE_SOFTWARE;
	attr.config = PERF_COUNT_SW_CPU_CLOCK;
	attr.sample_period = 1'000'000'000;
	return AttachPerf(attr, prog);
}

Step AttachRawTracepoint(Scratch&, const Program& program, int prog) {
	return Linked(UniqueFd(bpf_raw_tracepoint_open(program.btf_target ? nullptr : "sched_switch", prog)));
}

// fentry and LSM patch the entry of a function. EBUSY is what bpf_arch_text_poke() says when the
// entry has no room for a call (a kernel built without function tracing); programs of other owners
// share the trampoline, so it is no rival.
Step AttachTrampoline(Scratch&, const Program& program, int prog) {
	UniqueFd link(bpf_raw_tracepoint_open(nullptr, prog));
	if (link) return Yes();
	if (errno != EBUSY) return Refused("attach", errno);
	return { Answer::kNo, "attach: " + Words(EBUSY) + ": the entry of " + program.btf_target +
				      " cannot be patched (built without function tracing)" };
}

Step ReadIterator(int prog, bpf_iter_link_info* target) {
	LIBBPF_OPTS(bpf_link_create_opts, opts, .iter_info = target,
		    .iter_info_len = target ? uint32_t{ sizeof(*target) } : 0);
	UniqueFd link(bpf_link_create(prog, 0, BPF_TRACE_ITER, &opts));
	if (!link) return Refused("attach", errno);
	UniqueFd iterator(bpf_iter_create(link.get()));
	if (!iterator) return Refused("attach: create the iterator", errno);
	char byte;
	while (true) {
		ssize_t got = read(iterator.get(), &byte, 1);
		if (got == 0) return Yes();
		if (got < 0 && errno != EAGAIN && errno != EINTR) return Refused("attach: read the iterator", errno);
	}
}

Step AttachIterator(Scratch&, const Program&, int prog) { return ReadIterator(prog, nullptr); }

} // namespace sidestep::probe
