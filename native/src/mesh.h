// SPDX-License-Identifier: Apache-2.0
// The kernel side of connect-time balancing: programs, maps, links and their pins. No JavaScript in here.
#pragma once

#include <bpf/libbpf.h>

#include <memory>
#include <string>
#include <vector>

#include "datapath.h"
#include "mesh_layout.h"
#include "unique_fd.h"

namespace sidestep {

struct MeshOptions {
	std::string object_path;
	std::string cgroup_path;
	std::string pin_path;
	uint32_t max_services = 0;
	uint32_t max_endpoints = 0;
	bool verifier_log = false;
};

// A table of one service, row by row.
struct MeshTable {
	uint32_t service = 0;
	std::vector<mesh_row> rows; // none: the service has no table any more
};

// Loading is a transaction as that of Datapath: built under `<pin_path>/new`, published as `<pin_path>/current`.
class Mesh {
      public:
	explicit Mesh(MeshOptions options);

	int map(const char* name) const;
	int program(const char* name) const;
	bool took_over() const { return took_over_; }
	const MeshOptions& options() const { return options_; }
	std::vector<ProgramInfo> programs() const;
	// Hooks that this kernel, or another owner, refused, and why. Only those without which connect() still works.
	const std::vector<std::string>& missing() const { return missing_; }

	// `excepts`: there are cgroups that must see addresses as they are. The calling process is never balanced.
	void ApplySettings(bool enabled, bool excepts);
	// Replace tables, all in one step for each. May wait for readers of the old ones: not for the event loop.
	void SwapTables(const std::vector<MeshTable>& tables);
	// End connected datagram sockets whose endpoint is gone, in every network namespace. Returns how many.
	uint32_t EndDead();
	// Attach what sets TCP options, or take it away: each program costs every connection of the cgroup something.
	void WantTuning(bool wanted);
	void Uninstall();

      private:
	// kOptional: a plain service works without it (lb-optional-hook-made-mandatory). kOnDemand: attached while there is work for it.
	enum class Need { kAlways, kOptional, kOnDemand };
	struct Hook {
		const char* name;
		const char* program;
		bpf_attach_type type;
		Need need;
		UniqueFd fd;
	};

	void Open();
	void ReuseMaps(const std::string& current);
	void Load();
	void PinMissing(const std::string& folder);
	void Attach(Hook& hook, const std::string& path);
	void UpdateLinks(const std::string& current);
	UniqueFd NewTable(const std::vector<mesh_row>& rows) const;

	MeshOptions options_;
	std::unique_ptr<bpf_object, ObjectCloser> object_;
	std::vector<Hook> hooks_;
	std::vector<std::string> missing_;
	uint32_t table_key_type_ = 0;
	uint32_t table_value_type_ = 0;
	bool took_over_ = false;
};

} // namespace sidestep
