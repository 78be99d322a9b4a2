# What Sidestep needs from a host, one check per function. A check that fails says so in one sentence, with the remedy.
# PREFLIGHT_ROOT stands before /proc and /sys, so that the tests can show each check a host of their own.
# shellcheck shell=bash

PREFLIGHT_ROOT="${PREFLIGHT_ROOT:-}"

refuse() {
	echo "sidestep: $*" >&2
	return 1
}

# Prints the mount points of one file system type.
mounts_of() {
	# Optional fields vary in number; the type is the first word after the lone dash.
	awk -v type="$1" '{ for (i = 7; i < NF; i++) if ($i == "-") { if ($(i + 1) == type) print $5; break } }' \
		"$PREFLIGHT_ROOT/proc/self/mountinfo"
}

check_root() {
	[[ "$(id -u)" == 0 ]] || refuse "this needs root; run it again with sudo."
}

check_platform() {
	local system machine
	system="$(uname -s)" machine="$(uname -m)"
	[[ "$system" == Linux ]] ||
		refuse "this is $system and Sidestep works on Linux only; use a Linux host or virtual machine." || return
	[[ "$machine" == x86_64 || "$machine" == aarch64 ]] ||
		refuse "this processor is $machine and Sidestep is built for x86_64 and aarch64 only; use a host of those."
}

check_btf() {
	[[ -r "$PREFLIGHT_ROOT/sys/kernel/btf/vmlinux" ]] ||
		refuse "the kernel does not describe its types (no /sys/kernel/btf/vmlinux); boot one built with CONFIG_DEBUG_INFO_BTF=y."
}

check_cgroup() {
	[[ -n "$(mounts_of cgroup2)" ]] ||
		refuse "no cgroup v2 hierarchy is mounted; run: mount -t cgroup2 cgroup2 /sys/fs/cgroup"
}

check_bpffs() {
	grep -qx /sys/fs/bpf <<<"$(mounts_of bpf)" && return
	if mount -t bpf bpf "$PREFLIGHT_ROOT/sys/fs/bpf" 2>/dev/null; then
		echo "sidestep: mounted a BPF file system on /sys/fs/bpf." >&2
	else
		refuse "no BPF file system is on /sys/fs/bpf and it could not be mounted; run: mount -t bpf bpf /sys/fs/bpf"
	fi
}

check_capabilities() {
	local effective entry missing=()
	effective="$(awk '$1 == "CapEff:" { print $2 }' "$PREFLIGHT_ROOT/proc/self/status")"
	# Bit numbers from include/uapi/linux/capability.h.
	for entry in 12:CAP_NET_ADMIN 21:CAP_SYS_ADMIN 38:CAP_PERFMON 39:CAP_BPF; do
		(((16#${effective:-0} >> ${entry%%:*}) & 1)) || missing+=("${entry#*:}")
	done
	[[ ${#missing[@]} == 0 ]] ||
		refuse "this process lacks ${missing[*]}; give them to it (in a container: securityContext.capabilities.add)."
}

check_node() {
	local version major minor
	version="$(node -p process.versions.node 2>/dev/null)" ||
		refuse "Node.js is not installed; install version 20.19 or newer." || return
	IFS=. read -r major minor _ <<<"$version"
	((major > 20 || (major == 20 && minor >= 19))) ||
		refuse "Node.js $version is too old; install version 20.19 or newer."
}

# Prints the prefix that holds the headers of the Node.js in use.
node_prefix() {
	dirname "$(dirname "$(readlink -f "$(command -v node)")")"
}

check_node_headers() {
	[[ -r "$(node_prefix)/include/node/node_api.h" ]] ||
		refuse "the C headers of Node.js are not in $(node_prefix)/include/node; install libnode-dev of the same version, or Node.js from an archive that has them."
}

# Tells everything that is wrong, not only the first thing.
preflight() {
	local check failed=0
	check_platform || return 1
	check_root || return 1
	for check in "$@"; do
		"check_$check" || failed=1
	done
	return "$failed"
}
