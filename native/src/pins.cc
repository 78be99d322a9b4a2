// SPDX-License-Identifier: Apache-2.0
#include "pins.h"

#include <bpf/bpf.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "error.h"
#include "layout.h"
#include "unique_fd.h"

namespace sidestep {
namespace {

namespace fs = std::filesystem;

// bpffs takes no dots in names.
constexpr const char* kBeside = "-next";

// What was pinned beside is attached already: put it in its place.
void FinishPinOver(const std::string& dir) {
	std::error_code none;
	std::vector<std::string> beside;
	for (const auto& entry : fs::directory_iterator(dir, none)) {
		if (entry.path().string().ends_with(kBeside)) beside.push_back(entry.path());
	}
	for (const std::string& path : beside) {
		const std::string place = path.substr(0, path.size() - strlen(kBeside));
		if (rename(path.c_str(), place.c_str()) < 0) throw KernelError("pin_failed", "publish " + place, errno);
	}
}

} // namespace

void MakeDir(const std::string& path) {
	if (mkdir(path.c_str(), 0700) < 0 && errno != EEXIST)
		throw KernelError("pin_failed", "make the directory " + path, errno);
	// A directory of an earlier version may be open to others (cfg-file-mode-not-migrated).
	if (chmod(path.c_str(), 0700) < 0) throw KernelError("pin_failed", "close " + path + " to other users", errno);
}

void RequireBpffs(const std::string& path) {
	struct statfs st{};
	if (statfs(path.c_str(), &st) < 0) throw KernelError("pin_failed", "look at " + path, errno);
	if (static_cast<unsigned long>(st.f_type) != BPF_FS_MAGIC) {
		throw KernelError(
			"no_bpffs",
			"pin under " + path +
				": it is not on a BPF file system; mount one with `mount -t bpf bpf /sys/fs/bpf`",
			0);
	}
}

void PinOver(int fd, const std::string& path) {
	const std::string beside = path + kBeside;
	if (bpf_obj_pin(fd, beside.c_str()) < 0) throw KernelError("pin_failed", "pin " + beside, errno);
	if (rename(beside.c_str(), path.c_str()) < 0) {
		int err = errno;
		unlink(beside.c_str());
		throw KernelError("pin_failed", "publish " + path, err);
	}
}

void SwitchOff(const std::string& dir) {
	UniqueFd fd(bpf_obj_get((dir + "/map_settings").c_str()));
	if (!fd) return; // it got less far than that
	bpf_map_info info{};
	uint32_t length = sizeof(info), zero = 0;
	if (bpf_obj_get_info_by_fd(fd.get(), &info, &length) < 0)
		throw KernelError("kernel_refused", "read the settings in " + dir, errno);
	std::vector<uint8_t> settings(info.value_size);
	if (settings.size() < offsetof(sidestep_settings, enabled) + sizeof(uint32_t)) return;
	if (bpf_map_lookup_elem(fd.get(), &zero, settings.data()) < 0)
		throw KernelError("kernel_refused", "read the settings in " + dir, errno);
	memset(settings.data() + offsetof(sidestep_settings, enabled), 0, sizeof(uint32_t));
	if (bpf_map_update_elem(fd.get(), &zero, settings.data(), BPF_ANY) < 0)
		throw KernelError("kernel_refused", "switch off " + dir, errno);
}

uint32_t LayoutOf(const std::string& dir) {
	if (!fs::exists(dir)) return 0;
	const std::string path = dir + "/map_settings";
	UniqueFd fd(bpf_obj_get(path.c_str()));
	bpf_map_info info{};
	uint32_t length = sizeof(info), zero = 0;
	if (!fd || bpf_obj_get_info_by_fd(fd.get(), &info, &length) < 0)
		throw KernelError("pins_foreign_layout", "read " + path, errno);
	std::vector<uint32_t> settings(info.value_size / sizeof(uint32_t) + 1);
	if (bpf_map_lookup_elem(fd.get(), &zero, settings.data()) < 0)
		throw KernelError("pins_foreign_layout", "read " + path, errno);
	return settings[0];
}

std::vector<std::string> PinPaths::Draining() const {
	std::vector<std::string> found;
	std::error_code none;
	for (const auto& entry : fs::directory_iterator(root, none)) {
		if (entry.path().filename().string().starts_with("draining-")) found.push_back(entry.path());
	}
	return found;
}

void Displace(const PinPaths& paths) {
	SwitchOff(paths.current);
	const std::string aside = paths.Draining(LayoutOf(paths.current));
	RemovePins(aside);
	if (rename(paths.current.c_str(), aside.c_str()) < 0)
		throw KernelError("pin_failed", "move " + paths.current + " aside", errno);
	std::error_code none;
	for (const auto& entry : fs::directory_iterator(aside, none)) {
		if (entry.path().filename().string().starts_with("link_")) unlink(entry.path().c_str());
	}
}

void RemovePins(const std::string& dir) {
	std::error_code ignored;
	fs::remove_all(dir, ignored);
}

void RetractPins(const PinPaths& paths) {
	SwitchOff(paths.current);
	RemovePins(paths.gone);
	if (rename(paths.current.c_str(), paths.gone.c_str()) < 0 && errno != ENOENT)
		throw KernelError("pin_failed", "withdraw " + paths.current, errno);
	RemovePins(paths.gone);
}

void SettlePins(const PinPaths& paths) {
	// Withdrawn and switched off, but not yet taken apart.
	RemovePins(paths.gone);
	FinishPinOver(paths.fresh);
	FinishPinOver(paths.current);
	// Complete, but not published: its programs are attached and may have pairs (h-half-migrated-map).
	if (fs::exists(paths.fresh + "/" + kLastPin)) {
		if (fs::exists(paths.current)) Displace(paths); // it died during an upgrade
		if (rename(paths.fresh.c_str(), paths.current.c_str()) < 0)
			throw KernelError("pin_failed", "publish " + paths.current, errno);
	} else if (fs::exists(paths.fresh)) {
		SwitchOff(paths.fresh);
		RemovePins(paths.fresh);
	}
}

} // namespace sidestep
