# A real API server for test/kubernetes, built by Go from its module, and helm for the role of the chart. etcd is a Debian
# package. Run from the root of the project.
# shellcheck shell=bash

# shellcheck source=scripts/lib/chart-tools.sh
source scripts/lib/chart-tools.sh

kubernetes_tools=.cache/kubernetes
kubernetes_version=1.34.4

# Kubernetes builds against its own folder `staging`, which is not in the module: each part is published in the same version, as v0.
apiserver_module() {
	local source="$1"
	sed -E -e 's|^module .*|module apiserver|' \
		-e "s|^([[:space:]]*)(k8s\.io/[^ ]+) => \./staging/.*|\1\2 => \2 v0.${kubernetes_version#*.}|" "$source/go.mod"
	echo "require k8s.io/kubernetes v$kubernetes_version"
}

build_apiserver() {
	local work source name=k8s.io/component-base/version
	work="$(mktemp -d "$kubernetes_tools/build.XXXXXX")"
	(
		export GOFLAGS=-mod=mod CGO_ENABLED=0
		cd "$work" || exit
		printf 'module apiserver\n\ngo 1.24.0\n' >go.mod
		go mod download "k8s.io/kubernetes@v$kubernetes_version" || exit
		source="$(go env GOMODCACHE)/k8s.io/kubernetes@v$kubernetes_version"
		apiserver_module "$source" >go.mod
		cp "$source/go.sum" go.sum
		chmod u+w go.sum
		go build -trimpath -o ../kube-apiserver.new \
			-ldflags "-s -w -X $name.gitVersion=v$kubernetes_version -X $name.gitMajor=1 -X $name.gitMinor=34" \
			k8s.io/kubernetes/cmd/kube-apiserver
	) >&2
	local status=$?
	rm -rf "$work"
	return "$status"
}

install_kubernetes_tools() {
	mkdir -p "$chart_tools" "$kubernetes_tools"
	go_tool helm helm.sh/helm/v3/cmd/helm "$helm_version" || return
	local mark="$kubernetes_tools/kube-apiserver.version"
	[[ -x "$kubernetes_tools/kube-apiserver" && "$(cat "$mark" 2>/dev/null)" == "$kubernetes_version" ]] && return
	echo "sidestep: building kube-apiserver $kubernetes_version; the first time takes some ten minutes and 6 GB in Go's caches" >&2
	build_apiserver || {
		echo "sidestep: kube-apiserver could not be built; is Go 1.24 or newer there (go version), and its module proxy reachable?" >&2
		return 1
	}
	mv "$kubernetes_tools/kube-apiserver.new" "$kubernetes_tools/kube-apiserver"
	echo "$kubernetes_version" >"$mark"
}
