# Debian and Ubuntu packages: what is missing, and installing it without starting any service.
# shellcheck shell=bash

policy=/usr/sbin/policy-rc.d
policy_aside=/usr/sbin/policy-rc.d.before-sidestep
policy_mark="# Put here by Sidestep's bootstrap while it installs packages."

packages_of() {
	case "$1" in
	run)
		# python3 and make are what node-gyp runs on.
		echo g++ make pkg-config python3 clang-19 llvm-19 libbpf-dev libelf-dev zlib1g-dev node-llhttp bpftool \
			iproute2 iptables nftables procps nats-server
		;;
	# What compiles, for where nothing of it runs.
	build) echo g++ make pkg-config python3 clang-19 llvm-19 libbpf-dev libelf-dev zlib1g-dev node-llhttp ;;
	test)
		echo redis-server redis-tools nginx-light wrk curl strace haproxy gunicorn postgresql golang-go \
			bind9-dnsutils dnsmasq-base prometheus "$(browser)"
		;;
	# runc runs the pods of the chart as a node would; the rest of chart-tools.sh is built or fetched.
	charts) echo golang-go python3-pip runc ;;
	# kube-apiserver is built (kubernetes-tools.sh); openssl makes its certificate.
	kubernetes) echo golang-go etcd-server openssl ;;
	# The rest of a node, and what its pods run.
	k8s) echo golang-go etcd-server openssl containerd runc containernetworking-plugins iptables busybox-static redis-server redis-tools nats-server curl ;;
	conformance)
		echo memcached libmemcached-tools haproxy postgresql iperf3 nats-server socat nghttp2-client \
			libnginx-mod-stream openssl golang-go "$(python_tests)"
		;;
	# An emulator, and what the guest's first process is made of.
	vm) echo qemu-system-x86 seabios busybox-static cpio kmod ;;
	lint) echo clang-format-19 clang-tidy-19 shellcheck ;;
	*)
		echo "sidestep: there is no group $1; the groups are run, build, test, charts, kubernetes, k8s, conformance, vm and lint." >&2
		return 2
		;;
	esac
}

# The package that holds CPython's own tests is named after its version.
python_tests() {
	/usr/bin/python3 -c 'import sys; print("libpython%d.%d-testsuite" % sys.version_info[:2])'
}

# What the page of the web view is looked at with. Ubuntu has it as a snap only.
browser() {
	if grep -qx ID=debian /etc/os-release; then
		echo chromium-headless-shell
	fi
}

# What came to this host in another way than by its package is there all the same.
present_otherwise() {
	case "$1" in
	bpftool) command -v bpftool ;; # Ubuntu ships it within its kernel tools.
	golang-go) command -v go ;;
	chromium-headless-shell) command -v chromium chromium-browser google-chrome ;;
	python3-pip) python3 -m pip --version ;;
	libpython*-testsuite) python3 -c 'import test.test_socket' ;;
	*) false ;;
	esac >/dev/null 2>&1
}

# Prints those of the packages that are not installed.
missing_packages() {
	local package installed
	# dpkg-query exits 1 for a name that it does not know, which is an answer too.
	installed="$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null)" || true
	for package in "$@"; do
		grep -qx "installed $package" <<<"$installed" && continue
		present_otherwise "$package" && continue
		echo "$package"
	done
}

# Undoes forbid_services, also what a killed run left behind.
allow_services() {
	if [[ -f "$policy" ]] && grep -qxF "$policy_mark" "$policy"; then
		rm -f "$policy"
	fi
	if [[ -e "$policy_aside" ]]; then
		mv "$policy_aside" "$policy"
	fi
}

# 101 means "forbidden" to invoke-rc.d and deb-systemd-invoke. Somebody's own policy that says so already stays.
forbid_services() {
	allow_services
	if [[ -e "$policy" ]]; then
		local answer=0
		"$policy" sidestep start >/dev/null 2>&1 || answer=$?
		[[ "$answer" == 101 ]] && return
		mv "$policy" "$policy_aside"
	fi
	printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" >"$policy"
	chmod 755 "$policy"
}

# In a subshell, so that its trap is its own.
install_packages() (
	command -v apt-get >/dev/null || {
		echo "sidestep: this is not Debian or Ubuntu; install these yourself: $*" >&2
		exit 1
	}
	echo "sidestep: installing $*" >&2
	log="$(mktemp)"
	trap 'allow_services; rm -f "$log"' EXIT
	trap 'exit 130' INT TERM
	forbid_services
	export DEBIAN_FRONTEND=noninteractive
	if ! { apt-get update && apt-get install -y --no-install-recommends "$@"; } </dev/null >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		echo "sidestep: apt-get could not install all of these; the lines above say why." >&2
		exit 1
	fi
)
