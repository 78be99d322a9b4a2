// SPDX-License-Identifier: Apache-2.0
#include "objects.h"

#include <bpf/libbpf.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "error.h"
#include "unique_fd.h"

namespace sidestep {
namespace {

constexpr size_t kMostWords = 1U << 20;
thread_local std::string words;

int Collect(libbpf_print_level, const char* format, va_list args) {
	// One call may carry the whole listing of a program, whose last lines say what is wrong.
	char* said = nullptr;
	if (vasprintf(&said, format, args) < 0) return 0;
	words += said;
	free(said);
	if (words.size() > kMostWords) words.erase(0, words.size() - kMostWords);
	return 0;
}

} // namespace

void StartCollecting() {
	words.clear();
	libbpf_set_print(Collect);
}

const std::string& Collected() { return words; }

std::string Hex(const uint8_t* bytes, size_t n) {
	std::string out;
	char two[3];
	for (size_t i = 0; i < n; i++) {
		snprintf(two, sizeof(two), "%02x", bytes[i]);
		out += two;
	}
	return out;
}

bpf_prog_info ProgramInfoOf(int fd) {
	bpf_prog_info info{};
	uint32_t length = sizeof(info);
	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		throw KernelError("kernel_refused", "read program information", errno);
	return info;
}

std::string OwnersOf(int target, bpf_attach_type type) {
	uint32_t ids[16] = {}, count = 16, flags = 0;
	if (bpf_prog_query(target, type, 0, &flags, ids, &count) < 0) return "";
	std::string names;
	for (uint32_t i = 0; i < count && i < 16; i++) {
		UniqueFd fd(bpf_prog_get_fd_by_id(ids[i]));
		if (!fd) continue;
		bpf_prog_info info = ProgramInfoOf(fd.get());
		names += (names.empty() ? "" : ", ") + std::string(info.name) + " (id " + std::to_string(ids[i]) + ")";
	}
	return names;
}

uint64_t CgroupOf(int link) {
	bpf_link_info info{};
	uint32_t length = sizeof(info);
	if (bpf_obj_get_info_by_fd(link, &info, &length) < 0)
		throw KernelError("kernel_refused", "read link information", errno);
	return info.cgroup.cgroup_id;
}

uint64_t InodeOf(const std::string& path) {
	struct stat st{};
	if (stat(path.c_str(), &st) < 0) throw KernelError("no_cgroup2", "look at the cgroup " + path, errno);
	return st.st_ino;
}

uint32_t RunProgram(int fd, const char* what, void* context, size_t size) {
	LIBBPF_OPTS(bpf_test_run_opts, run);
	run.ctx_in = context;
	run.ctx_size_in = static_cast<uint32_t>(size);
	if (bpf_prog_test_run_opts(fd, &run) < 0) throw KernelError("kernel_refused", what, errno);
	return run.retval;
}

} // namespace sidestep
