// SPDX-License-Identifier: Apache-2.0
#include "passes.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "namespaces.h"
#include "objects.h"
#include "resets.h"
#include "tables.h"
#include "worker.h"

namespace sidestep {
namespace {

bool Undecided(const sidestep_pair& pair) { return pair.state == PAIR_TCP && pair.reason == REASON_LEARNING; }

// A pair on TCP may still have one end in the map: adoption stopped half-way.
bool Enrolled(const sidestep_pair& pair) {
	return pair.state != PAIR_TCP || pair.end[SIDESTEP_CLIENT].psock || pair.end[SIDESTEP_SERVER].psock;
}

// What is not quiet at one moment may be at the next.
constexpr auto kBetweenTries = std::chrono::microseconds(200);

bool Once() { return false; }

// Visits the sockets until `again` says no. Returns the number of namespaces that could not be entered.
uint32_t Walk(const Datapath& datapath, const char* program, const std::function<bool(const sidestep_pair&)>& wanted,
	      const std::function<bool()>& again = Once) {
	std::set<uint32_t> inums;
	ForEachPair(datapath, [&](sidestep_pair_id, const sidestep_pair& pair) {
		for (const sidestep_endpoint& end : pair.end) {
			if (end.netns && wanted(pair)) inums.insert(end.netns);
		}
	});
	if (inums.empty()) return 0;
	UniqueFd link(bpf_link_create(datapath.program(program), 0, BPF_TRACE_ITER, nullptr));
	if (!link) throw KernelError("kernel_refused", std::string("attach ") + program, errno);
	auto namespaces = OpenNamespaces(&inums);
	do {
		for (const auto& [inum, fd] : namespaces)
			RunIterator(link.get(), fd.get());
	} while (again());
	return static_cast<uint32_t>(inums.size() - namespaces.size());
}

// Where the programs could not do it themselves, the sockets that they condemned are still there.
void ResetCondemned(const Datapath& datapath) {
	std::map<uint32_t, std::set<uint64_t>> inodes;
	std::set<uint32_t> inums;
	ForEachPair(datapath, [&](sidestep_pair_id, const sidestep_pair& pair) {
		for (uint32_t side = 0; side < 2; side++) {
			const sidestep_endpoint& end = pair.end[side];
			if (!(end.reads & READ_CONDEMNED) || pair.closed & 1U << side || !end.inode) continue;
			inodes[end.netns].insert(end.inode);
			inums.insert(end.netns);
		}
	});
	for (const auto& [inum, fd] : OpenNamespaces(&inums)) {
		if (int err = InNamespace(fd.get(), [&] { return ResetSockets(inodes[inum]); }))
			throw KernelError("kernel_refused", "reset a connection that is stuck", err);
	}
}

class Retiring : public Worker {
      public:
	Retiring(Napi::Env env, std::shared_ptr<Datapath> datapath, sidestep_pair_id only, uint32_t tries)
	    : Worker(env, "sidestep:retire", std::move(datapath)), tries_(tries) {
		run_.only = only;
	}

      private:
	void Work(Datapath& datapath) override {
		Begin(datapath);
		Refresh(datapath);
		unreachable_ = Walk(datapath, "sidestep_iter_retire", Enrolled, [&] {
			Read(datapath);
			if (run_.unread + run_.sending == 0 || --tries_ == 0) return false;
			std::this_thread::sleep_for(kBetweenTries);
			// Sockets that are kept are counted anew; what was done adds up.
			run_.unread = run_.sending = run_.unlocked = run_.tracked = 0;
			Begin(datapath);
			return true;
		});
		if (run_.reset) ResetCondemned(datapath);
		left_ = CountSockets(datapath);
	}

	void Begin(const Datapath& datapath) const {
		uint32_t zero = 0;
		if (bpf_map_update_elem(datapath.map("retiring"), &zero, &run_, BPF_ANY) < 0)
			throw KernelError("kernel_refused", "start to retire", errno);
	}

	void Read(const Datapath& datapath) {
		uint32_t zero = 0;
		if (bpf_map_lookup_elem(datapath.map("retiring"), &zero, &run_) < 0)
			throw KernelError("kernel_refused", "read what was retired", errno);
	}

	Napi::Value Answer(Napi::Env env) override {
		Napi::Object js = Napi::Object::New(env);
		js.Set("removed", static_cast<double>(run_.removed));
		js.Set("unread", static_cast<double>(run_.unread));
		js.Set("sending", static_cast<double>(run_.sending));
		js.Set("unlocked", static_cast<double>(run_.unlocked));
		js.Set("reset", static_cast<double>(run_.reset));
		js.Set("tracked", static_cast<double>(run_.tracked));
		js.Set("unreachable", unreachable_);
		js.Set("left", left_);
		return js;
	}

	sidestep_retire run_{};
	uint32_t tries_;
	uint32_t unreachable_ = 0;
	uint32_t left_ = 0;
};

class Learning : public Worker {
      public:
	Learning(Napi::Env env, std::shared_ptr<Datapath> datapath)
	    : Worker(env, "sidestep:learn", std::move(datapath)) {}

      private:
	void Work(Datapath& datapath) override {
		Refresh(datapath);
		Walk(datapath, "sidestep_iter_adopt", Undecided);
		ForEachPair(datapath,
			    [&](sidestep_pair_id, const sidestep_pair& pair) { undecided_ += Undecided(pair); });
	}
	Napi::Value Answer(Napi::Env env) override { return Napi::Number::New(env, undecided_); }

	uint32_t undecided_ = 0;
};

class Census : public Worker {
      public:
	Census(Napi::Env env, std::shared_ptr<Datapath> datapath, uint16_t number)
	    : Worker(env, "sidestep:census", std::move(datapath)) {
		run_.number = number;
	}

      private:
	void Work(Datapath& datapath) override {
		std::set<uint32_t> inums;
		ForEachPair(datapath, [&](sidestep_pair_id, const sidestep_pair& pair) {
			for (uint32_t side = 0; side < 2; side++) {
				if (pair.end[side].sk && !(pair.closed & 1U << side))
					inums.insert(pair.end[side].netns);
			}
		});
		if (inums.empty()) return;
		uint32_t zero = 0;
		const int map = datapath.map("census");
		if (bpf_map_update_elem(map, &zero, &run_, BPF_ANY) < 0)
			throw KernelError("kernel_refused", "start to count sockets", errno);
		Refresh(datapath);
		UniqueFd link(bpf_link_create(datapath.program("sidestep_iter_census"), 0, BPF_TRACE_ITER, nullptr));
		if (!link) throw KernelError("kernel_refused", "attach sidestep_iter_census", errno);
		uint32_t gone = 0;
		for (const auto& [inum, fd] : OpenNamespaces(&inums)) {
			RunIterator(link.get(), fd.get());
			// Until then an end may still have its number from an agent before this one.
			if (run_.number > 2) gone += Reap(datapath, inum);
		}
		if (bpf_map_lookup_elem(map, &zero, &run_) < 0)
			throw KernelError("kernel_refused", "read what was counted", errno);
		run_.gone = gone;
	}

	[[nodiscard]] uint32_t Reap(const Datapath& datapath, uint32_t netns) const {
		sidestep_census census = run_;
		census.netns = netns;
		RunProgram(datapath.program("sidestep_reap"), "take off ends that are gone", &census, sizeof(census));
		return census.gone;
	}

	Napi::Value Answer(Napi::Env env) override {
		Napi::Object js = Napi::Object::New(env);
		js.Set("deaf", run_.deaf);
		js.Set("gone", run_.gone);
		return js;
	}

	sidestep_census run_{};
};

class Placing : public Worker {
      public:
	Placing(Napi::Env env, std::shared_ptr<Datapath> datapath)
	    : Worker(env, "sidestep:place", std::move(datapath)) {}

      private:
	void Work(Datapath& datapath) override { found_ = Refresh(datapath); }
	Napi::Value Answer(Napi::Env env) override {
		Napi::Object js = Napi::Object::New(env);
		js.Set("streams", found_.streams);
		js.Set("back", found_.back);
		return js;
	}

	sidestep_refreshed found_{};
};

} // namespace

Napi::Value CensusPass(Napi::Env env, std::shared_ptr<Datapath> datapath, uint16_t number) {
	return Worker::Start(new Census(env, std::move(datapath), number));
}

Napi::Value PlacePass(Napi::Env env, std::shared_ptr<Datapath> datapath) {
	return Worker::Start(new Placing(env, std::move(datapath)));
}

Napi::Value RetirePass(Napi::Env env, std::shared_ptr<Datapath> datapath, sidestep_pair_id only, uint32_t tries) {
	return Worker::Start(new Retiring(env, std::move(datapath), only, tries));
}

Napi::Value LearnPass(Napi::Env env, std::shared_ptr<Datapath> datapath) {
	return Worker::Start(new Learning(env, std::move(datapath)));
}

} // namespace sidestep
