// SPDX-License-Identifier: Apache-2.0
#include "owners.h"

#include <bpf/bpf.h>
#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "error.h"
#include "unique_fd.h"

namespace sidestep {
namespace {

struct Owner {
	std::string name;
	std::string type;
	std::string hook;
	uint32_t id;
};

bool Describe(uint32_t id, bpf_prog_info* info) {
	UniqueFd fd(bpf_prog_get_fd_by_id(id));
	uint32_t length = sizeof(*info);
	return fd && bpf_obj_get_info_by_fd(fd.get(), info, &length) == 0 && strncmp(info->name, "sidestep_", 9) != 0;
}

std::vector<Owner> OnCgroup(const std::string& path) {
	UniqueFd cgroup(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!cgroup) throw KernelError("no_cgroup2", "open the cgroup " + path, errno);
	uint32_t ids[64] = {}, count = 64, flags = 0;
	if (bpf_prog_query(cgroup.get(), BPF_CGROUP_SOCK_OPS, BPF_F_QUERY_EFFECTIVE, &flags, ids, &count) < 0) {
		throw KernelError("kernel_refused", "ask who is attached to " + path, errno);
	}
	std::vector<Owner> owners;
	for (uint32_t i = 0; i < count && i < 64; i++) {
		bpf_prog_info info{};
		if (Describe(ids[i], &info)) owners.push_back({ info.name, "sock_ops", path, ids[i] });
	}
	return owners;
}

std::vector<Owner> OnSockets() {
	std::vector<Owner> owners;
	for (uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
		bpf_prog_info info{};
		if (!Describe(id, &info)) continue;
		if (info.type == BPF_PROG_TYPE_SK_MSG)
			owners.push_back({ info.name, "sk_msg", "sockets of a map", id });
		if (info.type == BPF_PROG_TYPE_SK_SKB)
			owners.push_back({ info.name, "sk_skb", "sockets of a map", id });
	}
	return owners;
}

} // namespace

Napi::Value HookOwners(const Napi::CallbackInfo& info) {
	Napi::Env env = info.Env();
	if (info.Length() < 1 || !info[0].IsString()) {
		throw Napi::TypeError::New(env, "hookOwners(cgroupPath): cgroupPath must be a string");
	}
	std::string path = info[0].As<Napi::String>();
	return Guarded(env, [&]() -> Napi::Value {
		std::vector<Owner> owners = OnCgroup(path);
		for (Owner& owner : OnSockets())
			owners.push_back(std::move(owner));
		Napi::Array js = Napi::Array::New(env, owners.size());
		for (uint32_t i = 0; i < owners.size(); i++) {
			Napi::Object row = Napi::Object::New(env);
			row.Set("name", owners[i].name);
			row.Set("type", owners[i].type);
			row.Set("hook", owners[i].hook);
			row.Set("id", owners[i].id);
			js.Set(i, row);
		}
		return js;
	});
}

} // namespace sidestep
