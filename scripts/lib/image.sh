# Images without a container engine: programs with the libraries that they need, and the tar that engines take.
# shellcheck shell=bash

# Prints the shared objects that the programs need, the loader among them, each by the path where it is looked for.
libraries_of() {
	local program
	for program in "$@"; do
		# A program without any says so with status 1.
		ldd "$program" 2>/dev/null || true
	done | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' | sort -u
}

copy_libraries() {
	local root="$1" library
	shift
	libraries_of "$@" | while read -r library; do
		mkdir -p "$root$(dirname "$library")"
		cp -L "$library" "$root$library"
	done
}

digest_of() {
	sha256sum "$1" | cut -d ' ' -f 1
}

# The layout of `docker save`: one layer, a configuration, and a list that names both.
# Usage: pack ROOT FILE.tar NAME:TAG WORK CONFIG EPOCH    (WORK: an empty directory; CONFIG: what the image runs, as JSON; EPOCH: time of the files)
pack() {
	local root="$1" into="$2" name="$3" work="$4" epoch="$6" layer config
	tar --create --file "$work/layer.tar" --directory "$root" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=posix \
		--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime .
	layer="$(digest_of "$work/layer.tar")"
	# shellcheck disable=SC2016 # JavaScript
	LAYER="$layer" EPOCH="$epoch" CONFIG="$5" node -p '
		const { LAYER, EPOCH, CONFIG } = process.env;
		JSON.stringify({
			architecture: { x64: "amd64", arm64: "arm64" }[process.arch], os: "linux", created: new Date(EPOCH * 1000).toISOString(),
			config: JSON.parse(CONFIG),
			rootfs: { type: "layers", diff_ids: [`sha256:${LAYER}`] },
			history: [{ created: new Date(EPOCH * 1000).toISOString(), created_by: "scripts/image" }],
		})' >"$work/config.json"
	config="$(digest_of "$work/config.json")"
	mkdir "$work/image" "$work/image/$layer"
	mv "$work/layer.tar" "$work/image/$layer/layer.tar"
	mv "$work/config.json" "$work/image/$config.json"
	printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":["%s/layer.tar"]}]\n' "$config" "$name" "$layer" >"$work/image/manifest.json"
	tar --create --file "$into" --directory "$work/image" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner .
	echo "sidestep: $name is in $into, $(du -h "$into" | cut -f 1), image sha256:$config" >&2
}
