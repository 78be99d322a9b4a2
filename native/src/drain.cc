// SPDX-License-Identifier: Apache-2.0
#include "drain.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <filesystem>

#include "layout.h"
#include "namespaces.h"
#include "pins.h"
#include "tables.h"
#include "worker.h"

namespace sidestep {
namespace {

// A sockhash of another layout: this version has no program that could tell.
uint32_t CountKeys(int fd) {
	sidestep_end_key key{}, next{};
	uint32_t count = 0;
	int err = bpf_map_get_next_key(fd, nullptr, &next);
	while (err == 0) {
		count++;
		key = next;
		err = bpf_map_get_next_key(fd, &key, &next);
	}
	return count;
}

} // namespace

// One layout that is being left. Loaded once: what it has seen of the ends counts for all passes.
class Drain {
      public:
	Drain(std::string dir, const std::string& object_path) : dir_(std::move(dir)) {
		const std::string pin = dir_ + "/map_sockets";
		sockets_.reset(bpf_obj_get(pin.c_str()));
		if (!sockets_) throw KernelError("kernel_refused", "open " + pin, errno);
		object_.reset(bpf_object__open_file(object_path.c_str(), nullptr));
		if (!object_) throw KernelError("load_failed", "open " + object_path, errno);
		bpf_map* map = bpf_object__find_map_by_name(object_.get(), "sockets");
		if (!map || bpf_map__reuse_fd(map, sockets_.get()) < 0)
			throw KernelError("load_failed", "reuse " + pin, errno);
		if (bpf_object__load(object_.get()) < 0)
			throw KernelError("load_failed", "load what takes sockets out of " + pin, errno);
		bpf_program* program = bpf_object__find_program_by_name(object_.get(), "sidestep_iter_leave");
		link_.reset(bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, nullptr));
		if (!link_) throw KernelError("kernel_refused", "attach sidestep_iter_leave", errno);
	}

	const std::string& dir() const { return dir_; }

	// Returns the sockets that are still in.
	uint32_t Pass(uint64_t* removed) {
		uint32_t zero = 0, left = Left();
		if (left == 0) return 0;
		int map = bpf_object__find_map_fd_by_name(object_.get(), "leaving");
		sidestep_retire run{};
		bpf_map_update_elem(map, &zero, &run, BPF_ANY);
		for (const auto& [inum, fd] : OpenNamespaces(nullptr))
			RunIterator(link_.get(), fd.get());
		if (bpf_map_lookup_elem(map, &zero, &run) == 0) *removed += run.removed;
		return Left();
	}

      private:
	uint32_t Left() const { return CountKeys(sockets_.get()); }

	std::string dir_;
	UniqueFd sockets_;
	std::unique_ptr<bpf_object, ObjectCloser> object_;
	UniqueFd link_;
};

Drains::Drains() = default;
Drains::~Drains() = default;

DrainResult Drains::Pass(const PinPaths& paths, const std::string& object_path) {
	std::lock_guard<std::mutex> one_at_a_time(mutex_);
	for (const std::string& dir : paths.Draining()) {
		bool known = false;
		for (const auto& drain : drains_)
			known = known || drain->dir() == dir;
		if (!known) drains_.push_back(std::make_unique<Drain>(dir, object_path));
	}
	DrainResult result;
	std::vector<std::unique_ptr<Drain>> undone;
	for (auto& drain : drains_) {
		uint32_t left = drain->Pass(&result.removed);
		result.left += left;
		if (left == 0) {
			RemovePins(drain->dir());
			continue;
		}
		result.layouts++;
		undone.push_back(std::move(drain));
	}
	drains_ = std::move(undone);
	return result;
}

namespace {

class Draining : public Worker {
      public:
	Draining(Napi::Env env, std::shared_ptr<Datapath> datapath)
	    : Worker(env, "sidestep:drain", std::move(datapath)) {}

      private:
	void Work(Datapath& datapath) override { result_ = datapath.DrainOthers(); }

	Napi::Value Answer(Napi::Env env) override {
		Napi::Object js = Napi::Object::New(env);
		js.Set("removed", static_cast<double>(result_.removed));
		js.Set("left", result_.left);
		js.Set("layouts", result_.layouts);
		return js;
	}

	DrainResult result_;
};

} // namespace

Napi::Value DrainPass(Napi::Env env, std::shared_ptr<Datapath> datapath) {
	return Worker::Start(new Draining(env, std::move(datapath)));
}

} // namespace sidestep
