// SPDX-License-Identifier: Apache-2.0
#include "privileges.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "arguments.h"
#include "capabilities.h"
#include "error.h"
#include "unique_fd.h"

namespace sidestep {
namespace {

void Hold(const CapabilitySets& sets) {
	__user_cap_header_struct header{ _LINUX_CAPABILITY_VERSION_3, 0 };
	__user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
	for (int half = 0; half < 2; half++) {
		data[half].effective = static_cast<uint32_t>(sets.effective >> 32 * half);
		data[half].permitted = static_cast<uint32_t>(sets.permitted >> 32 * half);
		data[half].inheritable = static_cast<uint32_t>(sets.inheritable >> 32 * half);
	}
	if (syscall(SYS_capset, &header, data) != 0) throw KernelError("kernel_refused", "give up capabilities", errno);
}

bool CanRead(const std::string& path) { return UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC)).valid(); }

// Node marks what it was started with.
void StayOpen(int fd) { fcntl(fd, F_SETFD, 0); }

void BeginAgain(const std::string& program, const std::string& script, const std::vector<std::string>& args,
		const std::vector<int>& descriptors) {
	// Without it, execve(2) gives all of the bounding set back to root.
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw KernelError("kernel_refused", "set no_new_privs", errno);
	const CapabilitySets held = HeldCapabilities();
	uint64_t keep = held.permitted & CapabilityBit(CAP_NET_BIND_SERVICE);
	if ((held.permitted & ~keep & ~CapabilityBit(CAP_DAC_READ_SEARCH)) == 0) return;
	Hold({ keep, held.permitted, held.inheritable });
	if (!CanRead(script)) keep |= held.permitted & CapabilityBit(CAP_DAC_READ_SEARCH);
	Hold({ keep, keep, 0 });
	std::vector<char*> words{ const_cast<char*>(program.c_str()), const_cast<char*>(script.c_str()) };
	for (const std::string& arg : args)
		words.push_back(const_cast<char*>(arg.c_str()));
	words.push_back(nullptr);
	for (const int fd : { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO })
		StayOpen(fd);
	for (const int fd : descriptors)
		StayOpen(fd);
	// Other threads still have theirs; they end here.
	execve(program.c_str(), words.data(), environ);
	throw KernelError("kernel_refused", "start " + program, errno);
}

} // namespace

Napi::Value ShedPrivileges(const Napi::CallbackInfo& info) {
	Arguments from = ArgumentsOf(info, "shedPrivileges");
	std::vector<std::string> args;
	const Napi::Array words = from.List("args"), numbers = from.List("descriptors");
	for (uint32_t index = 0; index < words.Length(); index++)
		args.push_back(words.Get(index).ToString());
	std::vector<int> descriptors;
	for (uint32_t index = 0; index < numbers.Length(); index++)
		descriptors.push_back(numbers.Get(index).ToNumber().Int32Value());
	Guarded(info.Env(), [&] { BeginAgain(from.Text("program"), from.Text("script"), args, descriptors); });
	return info.Env().Undefined();
}

} // namespace sidestep
