// SPDX-License-Identifier: Apache-2.0
#include "step.h"

#include <cerrno>
#include <cstring>

namespace sidestep {

std::string ErrnoWords(int err); // error.h; not included, because probing itself has no need of napi.h

namespace probe {

namespace {

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

} // namespace

std::string Words(int err) {
	// The kernel's own ENOTSUPP leaks to user space (trampolines, netlink); libc has no name for it.
	if (err == 524) return "ENOTSUPP: Not supported by this kernel";
	if (!strerrorname_np(err)) return "errno " + std::to_string(err);
	return ErrnoWords(err);
}

Step Refused(const std::string& what, int err) { return { Meaning(err), what + ": " + Words(err) }; }

Step CouldNotAsk(const std::string& what, int err) { return { Answer::kUnknown, what + ": " + Words(err) }; }

} // namespace probe
} // namespace sidestep
