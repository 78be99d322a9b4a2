# Runs the suites of tests and adds them up. Run from the root of the project.
# shellcheck shell=bash

passed=0
failed=0
# A line for each test that failed, said again at the end: of a long log people keep the last lines.
failures_by_name=()
# A leaked handle keeps a suite from ending; that is a failure, not a reason to wait.
suite_seconds=1500
guest_seconds=3600

# Usage: run_suite NAME [TESTS]...    (default: every test of that folder)
run_suite() {
	local suite="$1" status=0 counts
	shift
	(($# > 0)) || set -- "dist/test/$suite/**/*.test.js"
	counts="$(mktemp)"
	echo "== $suite"
	timeout --foreground --kill-after=10 "$suite_seconds" node_modules/.bin/mocha --config .mocharc.json \
		--reporter scripts/lib/summary.cjs --reporter-option "file=$counts" "$@" || status=$?
	add_up "$suite" "$status" "$counts"
}

# Usage: add_up SUITE STATUS FILE. The file, removed here, holds "PASSED FAILED", and a line for each that failed.
add_up() {
	local suite="$1" status="$2" file="$3" passes=0 failures=0 lines
	# No counts: nothing ran.
	read -r passes failures <"$file" || passes=0 failures=0
	mapfile -t -s 1 lines <"$file"
	failures_by_name+=("${lines[@]/#/$suite: }")
	rm -f "$file"
	if ((failures == 0 && (status != 0 || passes == 0))); then
		echo "== $suite ended with status $status after $passes passed tests; that counts as a failure."
		failures_by_name+=("$suite: ended with status $status after $passes passed tests")
		failures=1
	fi
	((passed += passes, failed += failures)) || true
}

# The two-minute form: traffic whose every byte is compared, under an agent to which things happen.
run_endurance() {
	local status=0 counts
	counts="$(mktemp)"
	echo "== endurance"
	timeout --foreground --kill-after=10 400 node dist/test/endurance/main.js --short --counts "$counts" || status=$?
	add_up endurance "$status" "$counts"
}

# Servers and clients that nobody here wrote, in short; each check counts as a test. The tests of Go and of CPython take longer
# than all of these, and are left to `npm run conformance`.
conformance_suites="hazards,node,redis,memcached,nginx,curl,haproxy,postgresql,nats"

run_conformance() {
	local status=0 report counts
	report="$(mktemp)"
	counts="$(mktemp)"
	echo "== conformance"
	timeout --foreground --kill-after=30 "$suite_seconds" node dist/test/conformance/main.js --short --only "$conformance_suites" --out "$report" || status=$?
	node -p 'const all = JSON.parse(fs.readFileSync(process.argv[1]));
		const failed = all.suites.flatMap(({ suite, differences, problems }) =>
			[...differences.map(({ check }) => check), ...problems].map((what) => suite + ": " + what));
		[all.passed + " " + all.failed, ...failed].join("\n")' "$report" >"$counts" 2>/dev/null
	rm -f "$report"
	add_up conformance "$status" "$counts"
}

# The page of the web view, in a browser; not every distribution has one as a package.
run_page() {
	if command -v chromium-headless-shell chromium chromium-browser google-chrome >/dev/null; then
		run_suite web
	else
		echo "== web: there is no Chromium here, so nobody looked at the page"
	fi
}

run_suites() {
	local suite
	for suite in unit bus native frontdoor datapath mesh monitoring; do
		if [[ -n "$(find "dist/test/$suite" -name '*.test.js' -print -quit 2>/dev/null)" ]]; then
			run_suite "$suite"
		fi
	done
	run_page
	run_endurance
}

# In the guest: what was counted, as run_guest reads it.
report_to_host() {
	((${#failures_by_name[@]} == 0)) || printf 'GUEST-FAILED %s\n' "${failures_by_name[@]}"
	echo "GUEST-COUNTS $passed $failed"
}

# Runs a job on the second kernel; what is counted there counts here. Usage: run_guest JOB [ARGUMENT]...
run_guest() {
	local line counted=0 status=0
	echo "== second kernel: $*"
	while IFS= read -r line; do
		if [[ "$line" =~ ^GUEST-COUNTS\ ([0-9]+)\ ([0-9]+)$ ]]; then
			counted=1
			((passed += BASH_REMATCH[1], failed += BASH_REMATCH[2])) || true
		elif [[ "$line" == "GUEST-FAILED "* ]]; then
			failures_by_name+=("second kernel, ${line#GUEST-FAILED }")
		else
			printf '%s\n' "$line"
		fi
	done < <(scripts/vm/boot "$guest_seconds" "scripts/vm/$1" "${@:2}")
	wait $! || status=$?
	if ((counted == 0 || (status != 0 && failed == 0))); then
		echo "== second kernel ended with status $status; that counts as a failure."
		failures_by_name+=("second kernel: ended with status $status")
		((failed += 1))
	fi
}

# The last line of a run, and its exit status.
conclude() {
	((${#failures_by_name[@]} == 0)) || printf 'FAILED %s\n' "${failures_by_name[@]}"
	echo "$passed passed, $failed failed"
	((passed > 0 && failed == 0))
}
