// SPDX-License-Identifier: Apache-2.0
// A descriptor of another process, as one of this process too.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "error.h"
#include "unique_fd.h"

namespace sidestep {

// Throws `listener_gone` when there is no such process or descriptor, `kernel_refused` without the rights of a debugger over it.
inline UniqueFd BorrowDescriptor(uint32_t pid, int fd) {
	const std::string whose = "descriptor " + std::to_string(fd) + " of process " + std::to_string(pid);
	UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
	if (!process) throw KernelError("listener_gone", "open process " + std::to_string(pid), errno);
	UniqueFd borrowed(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
	if (!borrowed) throw KernelError(errno == EBADF ? "listener_gone" : "kernel_refused", "borrow " + whose, errno);
	return borrowed;
}

// The same of a socket, which must have this cookie.
inline UniqueFd BorrowSocket(uint32_t pid, int fd, uint64_t cookie) {
	UniqueFd socket = BorrowDescriptor(pid, fd);
	uint64_t is = 0;
	socklen_t length = sizeof(is);
	if (getsockopt(socket.get(), SOL_SOCKET, SO_COOKIE, &is, &length) < 0 || is != cookie)
		throw KernelError(
			"listener_gone",
			"borrow a descriptor of process " + std::to_string(pid) + ": it is another socket by now", 0);
	return socket;
}

} // namespace sidestep
