#!/bin/sh
# Run unit test programs (cmocka) and end with "N passed, N failed, N skipped".
# A program that dies without finishing counts as one failure.
passed=0 failed=0 skipped=0
for t in "$@"; do
	log=$t.log
	CMOCKA_MESSAGE_OUTPUT=TAP "$t" >"$log" 2>&1
	rc=$?
	# Some versions of cmocka call a skipped test "not ok ... # SKIP".
	ok=$(grep '^ok ' "$log" | grep -vci '# *skip')
	sk=$(grep -cE '^(not )?ok .*# *(SKIP|skip)' "$log")
	no=$(grep '^not ok ' "$log" | grep -vci '# *skip')
	if [ "$rc" -ne 0 ] && [ "$no" -eq 0 ]; then
		no=1
	fi
	if [ "$no" -ne 0 ]; then
		echo "FAILED $t (status $rc)"
		cat "$log"
	fi
	passed=$((passed + ok)) failed=$((failed + no))
	skipped=$((skipped + sk))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
