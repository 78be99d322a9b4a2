// SPDX-License-Identifier: Apache-2.0
// The chooser of listeners that share a port: its program, its maps, the groups that hold it. No JavaScript in here.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "datapath.h"
#include "namespaces.h"
#include "reuseport_layout.h"
#include "unique_fd.h"

namespace sidestep {

struct ReuseportOptions {
	std::string object_path;
	std::string pin_path; // names the agent; nothing is pinned there
	uint32_t max_listeners = 0;
	uint32_t max_groups = 0;
	bool verifier_log = false;
};

// A socket of another process, borrowed for one call: kept open, it would outlive its owner's close.
struct Borrowed {
	uint32_t pid;
	int fd;
	uint64_t cookie;
};

// Ids of choosers that an agent with these pins left behind: the groups that it served still hold them.
std::vector<uint32_t> LeftoverChoosers(const std::string& pin_path);

class Reuseport {
      public:
	explicit Reuseport(ReuseportOptions options);

	int map(const char* name) const;
	int program(const char* name) const;
	// The program that groups hold: that of the agent before if it is the same, so that none is swapped under traffic.
	int chooser() const { return chooser_.get(); }
	uint32_t chooser_id() const { return chooser_id_; }
	const std::string& tag() const { return tag_; }
	bool took_over() const { return took_over_; }
	// Choosers of agents before this one that are not in use any more.
	const std::vector<uint32_t>& old_choosers() const { return old_; }

	void Attach(const Borrowed& socket) const;
	void Detach(const Borrowed& socket) const;
	// Give a listener its slot. `member.cookie` and the socket's must agree.
	void Enlist(uint32_t slot, const sidestep_reuse_member& member, const Borrowed& socket) const;
	void Amend(uint32_t slot, const sidestep_reuse_member& member) const;
	void Release(uint32_t slot) const;
	void WriteGroup(uint32_t id, const sidestep_reuse_group& group) const;
	void RemoveGroup(uint32_t id) const;
	void Look() const;
	NamespaceFinder& namespaces() const { return *namespaces_; }

      private:
	void Open();
	bool ReuseMaps(uint32_t program_id);
	void Own();

	ReuseportOptions options_;
	std::unique_ptr<bpf_object, ObjectCloser> object_;
	std::unique_ptr<NamespaceFinder> namespaces_ = std::make_unique<NamespaceFinder>();
	UniqueFd chooser_;
	uint32_t chooser_id_ = 0;
	std::string tag_;
	std::vector<uint32_t> old_;
	bool took_over_ = false;
};

} // namespace sidestep
