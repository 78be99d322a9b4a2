// SPDX-License-Identifier: Apache-2.0
// The kernel side of one agent: programs, maps, links and their pins. No JavaScript in here.
#pragma once

#include <bpf/libbpf.h>

#include <memory>
#include <string>
#include <vector>

#include "unique_fd.h"

namespace sidestep {

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
	uint32_t event_buffer = 0;
	bool verifier_log = false;
};

struct ProgramInfo {
	std::string name;
	std::string type;
	std::string tag;
	std::string attached_to;
	uint32_t id = 0;
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

	void ApplySettings(bool enabled, bool observe, uint32_t queue_bytes);
	// Take the hooks off and remove the pins. Sockets that are still in the map keep passing until they close.
	void Uninstall();

      private:
	struct Hook {
		const char* program;
		const char* link; // file name under links/
		int attach_type;
		UniqueFd fd; // of the link; invalid where the kernel has no link for this hook

		bool on_cgroup() const { return attach_type == BPF_CGROUP_SOCK_OPS; }
	};

	void Open();
	void ReuseMaps(const std::string& current);
	void Load();
	void Attach(const std::string& dir);
	std::string AttachedTo(const Hook& hook) const;
	void AttachAndPin(Hook& hook, const std::string& path);
	void AttachOne(Hook& hook, int target, const std::string& target_name);
	void UpdateLinks(const std::string& current);
	void PinMaps(const std::string& dir);

	DatapathOptions options_;
	std::unique_ptr<bpf_object, ObjectCloser> object_;
	std::vector<Hook> hooks_;
	bool took_over_ = false;
};

} // namespace sidestep
