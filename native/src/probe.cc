// SPDX-License-Identifier: Apache-2.0
#include "probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <sstream>
#include <system_error>
#include <thread>

#include "unique_fd.h"

namespace sidestep {

std::string ErrnoWords(int err); // error.h; not included, because probing itself has no need of napi.h

namespace {

constexpr char kName[] = "sidestep_probe";
constexpr char kFunction[] = "__sys_bind";
constexpr int kLoopback = 1;                                   // its index in every new network namespace
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46); // younger than Debian 12's headers

struct Step {
	Answer answer;
	std::string detail;
};

std::string Words(int err) {
	// The kernel's own ENOTSUPP leaks to user space (trampolines, netlink); libc has no name for it.
	if (err == 524) return "ENOTSUPP: Not supported by this kernel";
	if (!strerrorname_np(err)) return "errno " + std::to_string(err);
	return ErrnoWords(err);
}

// A refusal says `no` only when it is about the kernel, not about us, memory or another owner of
// the hook.
Answer Meaning(int err) {
	switch (err) {
	case EPERM:
	case EACCES:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case ENOSPC:
	case EROFS:
	case EAGAIN:
	case EINTR:
	case EBUSY:
	case EEXIST:
		return Answer::kUnknown;
	default:
		return Answer::kNo;
	}
}

Step Yes(std::string how = "") { return { Answer::kYes, std::move(how) }; }

Step Refused(const std::string& what, int err) { return { Meaning(err), what + ": " + Words(err) }; }

Step CouldNotAsk(const std::string& what, int err) { return { Answer::kUnknown, what + ": " + Words(err) }; }

// Where the v2 hierarchy is mounted: /sys/fs/cgroup, or /sys/fs/cgroup/unified on a hybrid host.
std::string CgroupMount() {
	std::ifstream mounts("/proc/self/mountinfo");
	for (std::string line; std::getline(mounts, line);) {
		size_t dash = line.find(" - ");
		if (dash == std::string::npos || line.compare(dash + 3, 8, "cgroup2 ") != 0) continue;
		std::istringstream words(line);
		std::string id, parent, device, root, point;
		words >> id >> parent >> device >> root >> point;
		return point;
	}
	return "";
}

// A cgroup of our own that no process ever enters.
class ScratchCgroup {
      public:
	ScratchCgroup() {
		std::string mount = CgroupMount();
		if (mount.empty()) {
			trouble_ = { Answer::kUnknown, "attach: no cgroup v2 hierarchy is mounted" };
			return;
		}
		std::string path = mount + "/sidestep-probe-" + std::to_string(getpid());
		// A killed agent may have left one under the same pid; only an empty one can be removed.
		if (mkdir(path.c_str(), 0700) < 0 &&
		    (errno != EEXIST || rmdir(path.c_str()) < 0 || mkdir(path.c_str(), 0700) < 0)) {
			trouble_ = CouldNotAsk("attach: make cgroup " + path, errno);
			return;
		}
		path_ = path;
		fd_.reset(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		if (!fd_) trouble_ = CouldNotAsk("attach: open cgroup " + path, errno);
	}
	~ScratchCgroup() {
		fd_.reset();
		if (!path_.empty()) rmdir(path_.c_str());
	}
	ScratchCgroup(const ScratchCgroup&) = delete;
	ScratchCgroup& operator=(const ScratchCgroup&) = delete;

	int fd() const { return fd_.get(); }
	const std::optional<Step>& trouble() const { return trouble_; }

      private:
	std::string path_;
	UniqueFd fd_;
	std::optional<Step> trouble_;
};

// The kernel's BTF, parsed once: it is megabytes, and libbpf_find_vmlinux_btf_id() parses it at
// each call.
class KernelBtf {
      public:
	KernelBtf() : btf_(btf__load_vmlinux_btf()) {}
	~KernelBtf() { btf__free(btf_); }
	KernelBtf(const KernelBtf&) = delete;
	KernelBtf& operator=(const KernelBtf&) = delete;

	Step Find(const char* name, uint32_t kind, uint32_t& id) const {
		if (!btf_) return { Answer::kUnknown, "the kernel's BTF is not readable" };
		int found = btf__find_by_name_kind(btf_, name, kind);
		if (found < 0) return { Answer::kNo, std::string(name) + " is not in the kernel's BTF" };
		id = static_cast<uint32_t>(found);
		return Yes();
	}

      private:
	btf* btf_;
};

UniqueFd NewMap(bpf_map_type type, uint32_t key, uint32_t value, uint32_t entries,
		const bpf_map_create_opts* opts = nullptr) {
	return UniqueFd(bpf_map_create(type, kName, key, value, entries, opts));
}

UniqueFd NewSockhash() { return NewMap(BPF_MAP_TYPE_SOCKHASH, 4, 4, 1); }

UniqueFd NewSkStorage() {
	btf* types = btf__new_empty();
	int number = types ? btf__add_int(types, "int", 4, BTF_INT_SIGNED) : -1;
	UniqueFd map;
	if (number > 0 && btf__load_into_kernel(types) == 0) {
		LIBBPF_OPTS(bpf_map_create_opts, opts, .btf_fd = static_cast<uint32_t>(btf__fd(types)),
			    .btf_key_type_id = static_cast<uint32_t>(number),
			    .btf_value_type_id = static_cast<uint32_t>(number), .map_flags = BPF_F_NO_PREALLOC);
		map = NewMap(BPF_MAP_TYPE_SK_STORAGE, 4, 4, 0, &opts);
	}
	int err = errno;
	btf__free(types);
	errno = err;
	return map;
}

// What the probes share while they run.
struct Scratch {
	ScratchCgroup cgroup;
	KernelBtf btf;
	UniqueFd sockhash = NewSockhash();
};

struct Program {
	bpf_prog_type type;
	int attach_type;        // expected_attach_type, 0 where the type has none
	int returns;            // the verdict that lets everything pass
	const char* btf_target; // what a tracing program hangs on
};

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

// `loaded` says how it went; the descriptor is valid only after a yes.
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
	// What the verifier says before it reaches our two instructions is the reason; the rest is
	// a listing.
	std::string line(log, strcspn(log, "\n"));
	bool reason = !line.empty() && line.rfind("0:", 0) != 0 && line.rfind("processed ", 0) != 0;
	if (!prog && reason) loaded.detail += " (" + line + ")";
	return prog;
}

Step Linked(UniqueFd link, const char* how = "") { return link ? Yes(how) : Refused("attach", errno); }

Step AttachAndDetach(int prog, int target, bpf_attach_type type, unsigned flags, const char* how = "") {
	if (bpf_prog_attach(prog, target, type, flags) < 0) return Refused("attach", errno);
	if (bpf_prog_detach2(prog, target, type) < 0) return Yes("detach: " + Words(errno));
	return Yes(how);
}

// Runs `body` in a thread and a network namespace of its own; both are gone when it returns.
template <typename Body> Step InNewNamespace(Body body) {
	Step result{ Answer::kUnknown, "" };
	try {
		std::thread([&] {
			result = unshare(CLONE_NEWNET) < 0 ? CouldNotAsk("attach: make a network namespace", errno)
							   : body();
		}).join();
	} catch (const std::system_error& error) {
		return CouldNotAsk("attach: start a thread", error.code().value());
	}
	return result;
}

Step AttachCgroup(Scratch& scratch, const Program& program, int prog) {
	if (scratch.cgroup.trouble()) return *scratch.cgroup.trouble();
	return AttachAndDetach(prog, scratch.cgroup.fd(), static_cast<bpf_attach_type>(program.attach_type),
			       BPF_F_ALLOW_MULTI);
}

Step AttachSockhash(Scratch& scratch, const Program& program, int prog) {
	if (!scratch.sockhash) return { Answer::kUnknown, "attach: no sockhash to attach to" };
	return AttachAndDetach(prog, scratch.sockhash.get(), static_cast<bpf_attach_type>(program.attach_type), 0);
}

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

Step AttachXdp(Scratch&, const Program&, int prog) {
	return InNewNamespace([prog]() -> Step {
		LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);
		UniqueFd link(bpf_link_create(prog, kLoopback, BPF_XDP, &opts));
		if (link) return Yes("generic mode, by link");
		if (bpf_xdp_attach(kLoopback, prog, XDP_FLAGS_SKB_MODE, nullptr) < 0) return Refused("attach", errno);
		return Yes("generic mode, by netlink"); // detached with the namespace
	});
}

Step AttachSchedCls(Scratch&, const Program&, int prog) {
	return InNewNamespace([prog]() -> Step {
		UniqueFd link(bpf_link_create(prog, kLoopback, kTcxIngress, nullptr));
		if (link) return Yes("by tcx link");
		LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = kLoopback, .attach_point = BPF_TC_INGRESS);
		if (bpf_tc_hook_create(&hook) < 0) return Refused("attach: make the clsact qdisc", errno);
		LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog);
		if (bpf_tc_attach(&hook, &opts) < 0) return Refused("attach", errno);
		return Yes("by clsact"); // detached with the namespace
	});
}

Step AttachNamespace(Scratch&, const Program& program, int prog) {
	auto type = static_cast<bpf_attach_type>(program.attach_type);
	return InNewNamespace([prog, type]() -> Step {
		UniqueFd self(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
		if (!self) return CouldNotAsk("attach: open the namespace", errno);
		UniqueFd link(bpf_link_create(prog, self.get(), type, nullptr));
		if (link || type != BPF_FLOW_DISSECTOR) return Linked(std::move(link), "by link");
		return AttachAndDetach(prog, 0, type, 0, "to the namespace");
	});
}

Step AttachReuseport(Scratch&, const Program&, int prog) {
	UniqueFd socket_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	if (!socket_fd) return CouldNotAsk("attach: open a socket", errno);
	const int on = 1;
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (setsockopt(socket_fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
	    bind(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0)
		return CouldNotAsk("attach: bind a socket", errno);
	// Bound, never listening: nobody can reach it.
	if (setsockopt(socket_fd.get(), SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &prog, sizeof(prog)) < 0)
		return Refused("attach", errno);
	return Yes();
}

Step AttachSocketFilter(Scratch&, const Program&, int prog) {
	UniqueFd socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	if (!socket_fd) return CouldNotAsk("attach: open a socket", errno);
	if (setsockopt(socket_fd.get(), SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)) < 0)
		return Refused("attach", errno);
	return Yes();
}

Step AttachLirc(Scratch&, const Program&, int prog) {
	UniqueFd device(open("/dev/lirc0", O_RDONLY | O_CLOEXEC));
	if (!device) return CouldNotAsk("attach: open /dev/lirc0", errno);
	return AttachAndDetach(prog, device.get(), BPF_LIRC_MODE2, 0);
}

Step NotTried(Scratch&, const Program&, int) {
	return { Answer::kUnknown, "attach: not tried: it needs routes or actions over rtnetlink, "
				   "and Sidestep has no use for it" };
}

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
	  "one receive queue, later the front door" },
	{ "iter",
	  { BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, 0, "bpf_iter_tcp" },
	  AttachIterator,
	  "adopt, retire, list pairs" },
	{ "sk_reuseport",
	  { BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT, SK_PASS, nullptr },
	  AttachReuseport,
	  "balances listeners (planned)" },
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
	  "not used: sk_reuseport balances the listeners of a port" },
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

// One probe at a time in a process: the scratch cgroup carries the pid.
std::mutex probing;

} // namespace

std::vector<ProgramProbe> ProbePrograms() {
	std::lock_guard<std::mutex> hold(probing);
	Scratch scratch;
	std::vector<ProgramProbe> probes;
	for (const Row& row : kRows)
		probes.push_back(ProbeOne(scratch, row));
	return probes;
}

std::vector<FeatureProbe> ProbeFeatures() {
	std::lock_guard<std::mutex> hold(probing);
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
	uint32_t id = 0;
	add("bpf_rdonly_cast kfunc", "6.2", btf.Find("bpf_rdonly_cast", BTF_KIND_FUNC, id));
	return probes;
}

} // namespace sidestep

#include <napi.h>

namespace sidestep {
namespace {

const char* Word(Answer answer) {
	switch (answer) {
	case Answer::kYes:
		return "yes";
	case Answer::kNo:
		return "no";
	default:
		return "unknown";
	}
}

} // namespace

Napi::Value ProbeProgramsJs(const Napi::CallbackInfo& info) {
	Napi::Env env = info.Env();
	Napi::Array rows = Napi::Array::New(env);
	for (const ProgramProbe& probe : ProbePrograms()) {
		Napi::Object row = Napi::Object::New(env);
		row.Set("type", probe.type);
		row.Set("loads", Word(probe.loads));
		row.Set("attaches", Word(probe.attaches));
		row.Set("detail", probe.detail);
		row.Set("use", probe.use);
		rows.Set(rows.Length(), row);
	}
	return rows;
}

Napi::Value ProbeFeaturesJs(const Napi::CallbackInfo& info) {
	Napi::Env env = info.Env();
	Napi::Array rows = Napi::Array::New(env);
	for (const FeatureProbe& probe : ProbeFeatures()) {
		Napi::Object row = Napi::Object::New(env);
		row.Set("name", probe.name);
		row.Set("answer", Word(probe.answer));
		row.Set("since", probe.since);
		row.Set("detail", probe.detail);
		rows.Set(rows.Length(), row);
	}
	return rows;
}

} // namespace sidestep
