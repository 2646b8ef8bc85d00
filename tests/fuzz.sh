#!/bin/sh
# Fuzz each target for a while, one after the other, and end with one line:
# "N targets, N findings".
#	tests/fuzz.sh TARGET-PROGRAMS...
# BUILD names the build folder, FUZZ_S the seconds of each (60).  What is
# learned lies in BUILD/NAME and makes the next run begin better.
BUILD=${BUILD:-build/fuzz}
recorded=${ICLOUD_PULL_RECORDED:-../shared/recorded}
targets=0 findings=0

for program in "$@"; do
	name=${program##*/fuzz_}
	dir=$BUILD/$name
	log=$dir/log
	mkdir -p "$dir/corpus" "$dir/recorded"
	if [ -d "$recorded" ]; then
		PYTHONDONTWRITEBYTECODE=1 python3 tests/fuzz/seeds.py \
		    "$recorded" "$name" "$dir/recorded" || exit 1
	fi
	targets=$((targets + 1))
	# New inputs go to the first folder; the others are only read.
	"$program" -max_total_time="${FUZZ_S:-60}" -timeout=20 \
	    -max_len=16384 -print_final_stats=1 -artifact_prefix="$dir/" \
	    "$dir/corpus" "tests/fuzz/corpus/$name" "$dir/recorded" \
	    >"$log" 2>&1
	rc=$?
	runs=$(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) .*/\1 runs in \2 s/p' \
	    "$log")
	covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
	if [ $rc -eq 0 ] && [ -n "$runs" ]; then
		echo "$name: $runs, $covered edges"
		continue
	fi
	findings=$((findings + 1))
	echo "FOUND by $name (status $rc):"
	grep -vE '^#[0-9]+' "$log" | tail -n 40
	input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
	[ -n "$input" ] && echo "Again: $program $input"
done
echo "$targets targets, $findings findings"
[ "$findings" -eq 0 ] && [ "$targets" -gt 0 ]
