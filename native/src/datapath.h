// SPDX-License-Identifier: Apache-2.0
// The kernel side of one agent: programs, maps, links and their pins. No JavaScript in here.
#pragma once

#include <bpf/libbpf.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "layout.h"
#include "unique_fd.h"

namespace sidestep {

// How much plain reading must have been seen of a workload before it is believed.
struct LearningWindow {
	uint64_t ns = 0;
	uint64_t bytes = 0;
	uint32_t connections = 0;
};

// What is better off on TCP: streams of small messages (no messages: none), connections of few turns (no turns: none),
// and a message after so long without one (0: never).
struct Placement {
	uint64_t ns = 0;
	uint64_t stay_ns = 0;
	uint32_t messages = 0;
	uint32_t bytes = 0;
	uint32_t brief_turns = 0;
	uint32_t follow = 1;
	uint32_t refresh_ms = 0;
};

struct DatapathOptions {
	std::string object_path;
	std::string cgroup_path;
	std::string pin_path;
	bool unified = true;
	bool enabled = true;
	bool observe = false;
	bool trust_listeners = false;
	uint32_t max_pairs = 0;
	uint32_t max_half_open = 0;
	uint32_t max_listeners = 0;
	uint32_t max_edges = 0;
	uint32_t queue_bytes = 0;
	bool tell_all = false; // announce opens and closes too
	uint32_t split_bytes = 0;
	bool queue_wait = false;
	uint32_t event_buffer = 0;
	LearningWindow window;
	Placement placement;
	bool verifier_log = false;
	sidestep_scope scope{};
};

struct ProgramInfo {
	std::string name;
	std::string type;
	std::string tag;
	std::string attached_to;
	uint32_t id = 0;
};

struct DrainResult {
	uint64_t removed = 0;
	uint32_t left = 0, layouts = 0;
};

class Drain;
struct PinPaths;

// The maps of other layouts that are being left, for as long as this datapath is open.
class Drains {
      public:
	Drains();
	~Drains();
	DrainResult Pass(const PinPaths& paths, const std::string& object_path);

      private:
	std::mutex mutex_;
	std::vector<std::unique_ptr<Drain>> drains_;
};

struct ObjectCloser {
	void operator()(bpf_object* object) const { bpf_object__close(object); }
};

// Loading is a transaction: everything is built under `<pin_path>/new`, checked, and becomes real by one rename to
// `<pin_path>/current`. A step that fails leaves what was there before.
class Datapath {
      public:
	explicit Datapath(DatapathOptions options);
	~Datapath() = default;

	int map(const char* name) const;
	int program(const char* name) const;
	uint32_t map_capacity(const char* name) const;
	bool took_over() const { return took_over_; }
	const DatapathOptions& options() const { return options_; }
	std::vector<ProgramInfo> programs() const;

	// Each makes the programs judge every pair again, which `Refresh` (tables.h) does at once.
	void ApplySettings(bool enabled, bool observe, uint32_t queue_bytes);
	void ApplyScope(const sidestep_scope& scope);
	void ApplyWindow(const LearningWindow& window);
	void ApplyPlacement(const Placement& placement);
	void ApplyTelling(bool all);
	// Take what can leave out of the maps of other layouts. Off the event loop.
	DrainResult DrainOthers();
	// Take the hooks off and remove the pins. Sockets that are still in the map keep passing until they close.
	void Uninstall();

      private:
	struct Hook {
		const char* program;
		const char* link; // file name under links/
		int attach_type;
		std::string target; // in words
		UniqueFd fd;        // of the link; invalid where the kernel has no link for this hook
		UniqueFd before;    // the program of another layout that it had, until the upgrade is published

		bool on_cgroup() const {
			return attach_type == BPF_CGROUP_SOCK_OPS || attach_type == BPF_CGROUP_SETSOCKOPT;
		}
		bool on_sockets() const {
			return attach_type == BPF_SK_MSG_VERDICT || attach_type == BPF_SK_SKB_STREAM_VERDICT;
		}
	};

	void Start();
	static Hook FionreadHook();
	void Open();
	void ChoosePrograms();
	void SetMode();
	void ReuseMaps(const std::string& current);
	void Load();
	void Attach(const std::string& dir, const std::string& displaced);
	bool Inherit(Hook& hook, const std::string& displaced, const std::string& path);
	void GiveBack();
	void AttachAndPin(Hook& hook, const std::string& path);
	void AttachOne(Hook& hook, int target, const std::string& target_name);
	void UpdateLinks(const std::string& current);
	void PinMaps(const std::string& dir);
	void WriteScope();
	uint32_t NextGeneration() const;

	DatapathOptions options_;
	std::unique_ptr<bpf_object, ObjectCloser> object_;
	std::vector<Hook> hooks_;
	bool took_over_ = false;
	Drains drains_;
};

} // namespace sidestep
