# Runs the suites of tests and adds them up. Run from the root of the project.
# shellcheck shell=bash

passed=0
failed=0
# A leaked handle keeps a suite from ending; that is a failure, not a reason to wait.
suite_seconds=1500

run_suite() {
	local suite="$1" status=0 passes=0 failures=0 counts
	counts="$(mktemp)"
	echo "== $suite"
	timeout --foreground --kill-after=10 "$suite_seconds" node_modules/.bin/mocha --config .mocharc.json \
		--reporter scripts/lib/summary.cjs --reporter-option "file=$counts" "dist/test/$suite/**/*.test.js" || status=$?
	# No counts: nothing ran.
	read -r passes failures <"$counts" || passes=0 failures=0
	rm -f "$counts"
	if ((failures == 0 && (status != 0 || passes == 0))); then
		echo "== $suite ended with status $status after $passes passed tests; that counts as a failure."
		failures=1
	fi
	((passed += passes, failed += failures)) || true
}

# The two-minute form: traffic whose every byte is compared, under an agent to which things happen.
run_endurance() {
	local status=0 passes=0 failures=0 counts
	counts="$(mktemp)"
	echo "== endurance"
	timeout --foreground --kill-after=10 400 node dist/test/endurance/main.js --short --counts "$counts" || status=$?
	read -r passes failures <"$counts" || passes=0 failures=0
	rm -f "$counts"
	if ((failures == 0 && (status != 0 || passes == 0))); then
		echo "== endurance ended with status $status; that counts as a failure."
		failures=1
	fi
	((passed += passes, failed += failures)) || true
}

run_suites() {
	local suite
	for suite in unit bus native datapath mesh; do
		if [[ -n "$(find "dist/test/$suite" -name '*.test.js' -print -quit 2>/dev/null)" ]]; then
			run_suite "$suite"
		fi
	done
	run_endurance
}

# The last line of a run, and its exit status.
conclude() {
	echo "$passed passed, $failed failed"
	((passed > 0 && failed == 0))
}
