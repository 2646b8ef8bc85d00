#!/bin/sh
# Run everything that "make check" names and end with one line:
# "N passed, N failed, N skipped".
#	tests/check.sh UNIT-TEST-PROGRAMS...
# BUILD names the build folder.
BUILD=${BUILD:-build}
export BUILD
total_passed=0 total_failed=0 total_skipped=0

# Add up a "N passed, N failed, N skipped" line; without one, count a failure.
add() {
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$1" |
	    tail -n 1)
	if [ -z "$line" ]; then
		echo "FAILED: $2 ended without a result"
		total_failed=$((total_failed + 1))
		return
	fi
	IFS=' ,' read -r p _ f _ s _ <<-END
	$line
	END
	total_passed=$((total_passed + p))
	total_failed=$((total_failed + f))
	total_skipped=$((total_skipped + s))
}

out=$BUILD/check.log
echo "== unit tests"
sh tests/run-units.sh "$@" >"$out" 2>&1
cat "$out"
add "$out" "unit tests"

echo "== tests/tags.sh"
sh tests/tags.sh >"$out" 2>&1
cat "$out"
add "$out" "tests/tags.sh"

for t in tests/run/test_*.py; do
	echo "== $t"
	PYTHONDONTWRITEBYTECODE=1 python3 "$t" >"$out" 2>&1
	rc=$?
	if [ "$rc" -ne 0 ]; then
		cat "$out"
	else
		grep -E '^torture:|skipped .|^[0-9]+ passed' "$out"
	fi
	add "$out" "$t"
done
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" -eq 0 ]
