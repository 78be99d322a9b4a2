# Builds what is stale: kernel programs, addon, TypeScript. Run from the root of the project.
# shellcheck shell=bash

sources=(agent demo config native scripts test)

typescript_is_stale() {
	# Directories count, because a file that was removed or renamed is only seen there.
	[[ ! -e dist/.built ]] || [[ -n "$(find "${sources[@]}" tsconfig.json package-lock.json \
		-path native/build -prune -o \( -name '*.ts' -o -name '*.json' -o -type d \) -newer dist/.built -print -quit)" ]]
}

# A test that was removed must not go on running from dist/.
remove_orphans() {
	local script
	while read -r script; do
		script="${script#dist/}"
		[[ -e "${script%.js}.ts" ]] || rm -f "dist/$script" "dist/$script.map"
	done < <(find dist -name '*.js')
}

build_typescript() {
	typescript_is_stale || return 0
	mkdir -p dist
	touch dist/.building
	node_modules/.bin/tsc -p tsconfig.json || return 1
	remove_orphans
	# The time is that of the start: what was edited during the build is stale.
	mv dist/.building dist/.built
}

build_stale() {
	make -s -C bpf && scripts/build-native && build_typescript
}
