#!/bin/sh
# Run one file of whole-program tests, and say what came of it in one piece.
#	tests/run-one.sh LOG-FOLDER TEST.py
out=$1/$(basename "$2" .py).log
if python3 "$2" >"$out" 2>&1; then
	said=$(grep -E '^torture:|skipped .|^[0-9]+ passed' "$out")
else
	said=$(cat "$out")
fi
printf '== %s\n%s\n' "$2" "$said"
