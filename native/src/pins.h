// SPDX-License-Identifier: Apache-2.0
// The pin directory: what is in it, and what an agent that died at any instruction left half-done.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sidestep {

// A directory of one set of pins is complete when it has this: the last thing that is pinned.
constexpr const char* kLastPin = "link_sock_ops";

struct PinPaths {
	explicit PinPaths(const std::string& root)
	    : root(root), current(root + "/current"), fresh(root + "/new"), gone(root + "/old") {}

	std::string root;
	std::string current; // what is in force
	std::string fresh;   // being made
	std::string gone;    // being removed

	// Of other layouts, switched off, until the last socket has left them.
	std::vector<std::string> Draining() const;
	std::string Draining(uint32_t layout) const { return root + "/draining-" + std::to_string(layout); }
};

void MakeDir(const std::string& path);
void RequireBpffs(const std::string& path);

// Pin beside, then put it in the place of what is there by rename: whoever dies in between leaves one of the two.
void PinOver(int fd, const std::string& path);

// Every message of these programs takes TCP from now on. The two first words of the settings never change their place.
void SwitchOff(const std::string& dir);

// The layout of the pins in a directory; 0 when there are none. Throws where they tell nothing.
uint32_t LayoutOf(const std::string& dir);

// The datapath of another layout makes way: off, aside, and without its hooks. What it enrolled stays until it is drained.
void Displace(const PinPaths& paths);

// Off, out of sight by one rename, and only then taken apart: nobody can find half of it.
void RetractPins(const PinPaths& paths);

// Remove a directory of pins and what is in it. Never follows a link, never leaves bpffs.
void RemovePins(const std::string& dir);

// Finish or undo what an agent that died left. Only for the owner of the directory.
void SettlePins(const PinPaths& paths);

} // namespace sidestep
