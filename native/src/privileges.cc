// SPDX-License-Identifier: Apache-2.0
#include "privileges.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "arguments.h"
#include "error.h"
#include "unique_fd.h"

namespace sidestep {
namespace {

constexpr uint64_t Bit(int capability) { return uint64_t{ 1 } << capability; }

struct Sets {
	uint64_t effective, permitted, inheritable;
};

// Of the calling thread: capabilities belong to threads.
Sets Held() {
	__user_cap_header_struct header{ _LINUX_CAPABILITY_VERSION_3, 0 };
	__user_cap_data_struct data[2]{};
	if (syscall(SYS_capget, &header, data) != 0) throw KernelError("kernel_refused", "read capabilities", errno);
	auto both = [&](uint32_t __user_cap_data_struct::* set) {
		return data[0].*set | uint64_t{ data[1].*set } << 32;
	};
	return { both(&__user_cap_data_struct::effective), both(&__user_cap_data_struct::permitted),
		 both(&__user_cap_data_struct::inheritable) };
}

void Hold(const Sets& sets) {
	__user_cap_header_struct header{ _LINUX_CAPABILITY_VERSION_3, 0 };
	__user_cap_data_struct data[2]{};
	for (int half = 0; half < 2; half++) {
		data[half].effective = static_cast<uint32_t>(sets.effective >> 32 * half);
		data[half].permitted = static_cast<uint32_t>(sets.permitted >> 32 * half);
		data[half].inheritable = static_cast<uint32_t>(sets.inheritable >> 32 * half);
	}
	if (syscall(SYS_capset, &header, data) != 0) throw KernelError("kernel_refused", "give up capabilities", errno);
}

bool CanRead(const std::string& path) { return UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC)).valid(); }

void BeginAgain(const std::string& program, const std::string& script, const std::vector<std::string>& args) {
	// Without it, execve(2) gives all of the bounding set back to root.
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw KernelError("kernel_refused", "set no_new_privs", errno);
	const Sets held = Held();
	uint64_t keep = held.permitted & Bit(CAP_NET_BIND_SERVICE);
	if ((held.permitted & ~keep & ~Bit(CAP_DAC_READ_SEARCH)) == 0) return;
	Hold({ keep, held.permitted, held.inheritable });
	if (!CanRead(script)) keep |= held.permitted & Bit(CAP_DAC_READ_SEARCH);
	Hold({ keep, keep, 0 });
	std::vector<char*> words{ const_cast<char*>(program.c_str()), const_cast<char*>(script.c_str()) };
	for (const std::string& arg : args)
		words.push_back(const_cast<char*>(arg.c_str()));
	words.push_back(nullptr);
	// Other threads still have theirs; they end here.
	execve(program.c_str(), words.data(), environ);
	throw KernelError("kernel_refused", "start " + program, errno);
}

} // namespace

Napi::Value ShedPrivileges(const Napi::CallbackInfo& info) {
	Arguments from = ArgumentsOf(info, "shedPrivileges");
	std::vector<std::string> args;
	Napi::Value list = from.object().Get("args");
	if (!list.IsArray()) from.Complain("args", "must be a list");
	for (uint32_t index = 0; index < list.As<Napi::Array>().Length(); index++)
		args.push_back(list.As<Napi::Array>().Get(index).ToString());
	Guarded(info.Env(), [&] { BeginAgain(from.Text("program"), from.Text("script"), args); });
	return info.Env().Undefined();
}

} // namespace sidestep
