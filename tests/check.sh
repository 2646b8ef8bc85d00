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

# Whole programs wait more than they work: one more at once than there are
# processors.  What takes longest begins first.
jobs=${CHECK_JOBS:-$(($(getconf _NPROCESSORS_ONLN) + 1))}
logs=$BUILD/check
rm -rf "$logs"
mkdir -p "$logs"
{
	echo tests/run/test_crash.py
	printf '%s\n' tests/run/test_*.py | grep -v '/test_crash\.py$'
} | PYTHONDONTWRITEBYTECODE=1 xargs -P "$jobs" -n 1 sh tests/run-one.sh "$logs"
for t in tests/run/test_*.py; do
	add "$logs/$(basename "$t" .py).log" "$t"
done
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" -eq 0 ]
