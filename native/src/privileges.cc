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

// Node marks what it was started with.
void StayOpen(int fd) { fcntl(fd, F_SETFD, 0); }

void BeginAgain(const std::string& program, const std::string& script, const std::vector<std::string>& args,
		const std::vector<int>& descriptors) {
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
	for (const int fd : { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO })
		StayOpen(fd);
	for (const int fd : descriptors)
		StayOpen(fd);
	// Other threads still have theirs; they end here.
	execve(program.c_str(), words.data(), environ);
	throw KernelError("kernel_refused", "start " + program, errno);
}

std::vector<Napi::Value> List(const Arguments& from, const char* key) {
	Napi::Value value = from.object().Get(key);
	if (!value.IsArray()) from.Complain(key, "must be a list");
	const Napi::Array list = value.As<Napi::Array>();
	std::vector<Napi::Value> values;
	for (uint32_t index = 0; index < list.Length(); index++)
		values.push_back(list.Get(index));
	return values;
}

} // namespace

Napi::Value ShedPrivileges(const Napi::CallbackInfo& info) {
	Arguments from = ArgumentsOf(info, "shedPrivileges");
	std::vector<std::string> args;
	for (const Napi::Value& value : List(from, "args"))
		args.push_back(value.ToString());
	std::vector<int> descriptors;
	for (const Napi::Value& value : List(from, "descriptors"))
		descriptors.push_back(value.ToNumber().Int32Value());
	Guarded(info.Env(), [&] { BeginAgain(from.Text("program"), from.Text("script"), args, descriptors); });
	return info.Env().Undefined();
}

} // namespace sidestep
