// SPDX-License-Identifier: Apache-2.0
#include "attach.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace sidestep::probe {
namespace {

constexpr int kLoopback = 1;                                   // its index in every new network namespace
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46); // younger than Debian 12's headers

Step AttachAndDetach(int prog, int target, bpf_attach_type type, unsigned flags, const char* how = "") {
	if (bpf_prog_attach(prog, target, type, flags) < 0) return Refused("attach", errno);
	if (bpf_prog_detach2(prog, target, type) < 0) return Yes("detach: " + Words(errno));
	return Yes(how);
}

} // namespace

Step Linked(UniqueFd link, const char* how) { return link ? Yes(how) : Refused("attach", errno); }

Step AttachCgroup(Scratch& scratch, const Program& program, int prog) {
	if (scratch.cgroup.trouble()) return *scratch.cgroup.trouble();
	return AttachAndDetach(prog, scratch.cgroup.fd(), static_cast<bpf_attach_type>(program.attach_type),
			       BPF_F_ALLOW_MULTI);
}

Step AttachSockhash(Scratch& scratch, const Program& program, int prog) {
	if (!scratch.sockhash) return { Answer::kUnknown, "attach: no sockhash to attach to" };
	return AttachAndDetach(prog, scratch.sockhash.get(), static_cast<bpf_attach_type>(program.attach_type), 0);
}

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

} // namespace sidestep::probe
