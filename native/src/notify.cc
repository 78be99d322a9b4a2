// SPDX-License-Identifier: Apache-2.0
#include "notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "error.h"
#include "unique_fd.h"

namespace sidestep {

Napi::Value Notify(const Napi::CallbackInfo& info) {
	Napi::Env env = info.Env();
	if (info.Length() < 2 || !info[0].IsString() || !info[1].IsString())
		throw Napi::TypeError::New(env, "notify(path, text): both must be strings");
	std::string path = info[0].As<Napi::String>(), text = info[1].As<Napi::String>();
	return Guarded(env, [&]() -> Napi::Value {
		sockaddr_un address{};
		address.sun_family = AF_UNIX;
		if (path.empty() || path.size() >= sizeof(address.sun_path))
			throw KernelError("notify_failed", "tell " + path, ENAMETOOLONG);
		memcpy(address.sun_path, path.data(), path.size());
		if (path[0] == '@') address.sun_path[0] = '\0';
		auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (path[0] != '@'));
		UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
		if (!fd || sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL,
				  reinterpret_cast<sockaddr*>(&address), length) < 0)
			throw KernelError("notify_failed", "tell " + path, errno);
		return env.Undefined();
	});
}

} // namespace sidestep
