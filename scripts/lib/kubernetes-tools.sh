# What the tests with a real Kubernetes need: its programs, built by Go from their module, and helm. etcd, containerd and the
# plugins for the network of pods are Debian packages. Run from the root of the project.
# shellcheck shell=bash

# shellcheck source=scripts/lib/chart-tools.sh
source scripts/lib/chart-tools.sh

kubernetes_tools=.cache/kubernetes
kubernetes_version=1.34.4
# Of a whole cluster with one node.
# shellcheck disable=SC2034 # bootstrap reads it
kubernetes_programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)

# Kubernetes builds against its own folder `staging`, which is not in the module: each part is published in the same version, as v0.
kubernetes_module() {
	local source="$1"
	sed -E -e 's|^module .*|module kubernetes|' \
		-e "s|^([[:space:]]*)(k8s\.io/[^ ]+) => \./staging/.*|\1\2 => \2 v0.${kubernetes_version#*.}|" "$source/go.mod"
	echo "require k8s.io/kubernetes v$kubernetes_version"
}

# Usage: build_kubernetes DIRECTORY PROGRAM...
build_kubernetes() {
	local work into source name=k8s.io/component-base/version
	into="$(realpath "$1")"
	shift
	work="$(mktemp -d "$kubernetes_tools/build.XXXXXX")"
	(
		export GOFLAGS=-mod=mod CGO_ENABLED=0
		cd "$work" || exit
		printf 'module kubernetes\n\ngo 1.24.0\n' >go.mod
		go mod download "k8s.io/kubernetes@v$kubernetes_version" || exit
		source="$(go env GOMODCACHE)/k8s.io/kubernetes@v$kubernetes_version"
		kubernetes_module "$source" >go.mod
		cp "$source/go.sum" go.sum
		chmod u+w go.sum
		nice -n 19 go build -trimpath -o "$into/" \
			-ldflags "-s -w -X $name.gitVersion=v$kubernetes_version -X $name.gitMajor=1 -X $name.gitMinor=34" \
			"${@/#/k8s.io/kubernetes/cmd/}"
	) >&2
	local status=$?
	rm -rf "$work"
	return "$status"
}

# Names of Services and pods, for a cluster.
install_cluster_dns() {
	[[ "$kubernetes_tools/coredns" -nt scripts/k8s/dns/go.mod ]] && return
	echo "sidestep: building CoreDNS" >&2
	(cd scripts/k8s/dns && CGO_ENABLED=0 GOFLAGS='' nice -n 19 go build -trimpath -ldflags "-s -w" -o "../../../$kubernetes_tools/coredns" . >&2) || {
		echo "sidestep: scripts/k8s/dns did not build; is the Go module proxy reachable?" >&2
		return 1
	}
	touch "$kubernetes_tools/coredns"
}

# Usage: install_kubernetes_tools PROGRAM...    (what is there in this version is left alone)
install_kubernetes_tools() {
	mkdir -p "$chart_tools" "$kubernetes_tools"
	go_tool helm helm.sh/helm/v3/cmd/helm "$helm_version" || return
	local program missing=() into
	for program in $(printf '%s\n' "$@" | sort -u); do
		[[ -x "$kubernetes_tools/$program" && "$(cat "$kubernetes_tools/$program.version" 2>/dev/null)" == "$kubernetes_version" ]] ||
			missing+=("$program")
	done
	((${#missing[@]} > 0)) || return 0
	echo "sidestep: building ${missing[*]} $kubernetes_version; the first time takes some ten minutes and 6 GB in Go's caches" >&2
	into="$(mktemp -d "$kubernetes_tools/new.XXXXXX")"
	if ! build_kubernetes "$into" "${missing[@]}"; then
		rm -rf "$into"
		echo "sidestep: ${missing[*]} could not be built; is Go 1.24 or newer there (go version), and its module proxy reachable?" >&2
		return 1
	fi
	for program in "${missing[@]}"; do
		mv "$into/$program" "$kubernetes_tools/$program"
		echo "$kubernetes_version" >"$kubernetes_tools/$program.version"
	done
	rm -rf "$into"
}
