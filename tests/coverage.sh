#!/bin/sh
# What the suite has run of the program's lines, a number for each folder.
#	tests/coverage.sh
# BUILD names the build folder, made and run with --coverage; GCOV the tool
# that reads what CC has written.  What is killed adds nothing to it.
set -eu
BUILD=${BUILD:-build/coverage}
if [ -z "${GCOV:-}" ]; then
	case $(${CC:-cc} --version) in
	*clang*) GCOV='llvm-cov gcov' ;;
	*) GCOV=gcov ;;
	esac
fi
list=$BUILD/coverage.txt

# "lines run folder file" for each of our own .c files.
for file in src/*.c src/base/*.c auth/*.c api/*.c store/*.c; do
	# shellcheck disable=SC2086 # a command and its first word
	$GCOV -n -o "$BUILD/obj/${file%/*}" "$BUILD/obj/${file%.c}.o" \
	    2>>"$BUILD/gcov.log" |
	    awk -v file="$file" '
	/^File / { mine = $0 == "File '\''" file "'\''" }
	/^Lines executed:/ && mine {
		sub(/^Lines executed:/, "")
		percent = $1 + 0
		lines = $NF
		folder = file
		sub(/\/[^\/]*$/, "", folder)
		printf "%d %d %s %s\n", lines, lines * percent / 100 + 0.5,
		    folder, file
		mine = 0
	}'
done >"$list"

awk '
function row(name, lines, run) {
	printf "%-10s %6d of %6d lines  %5.1f %%\n", name, run, lines,
	    (lines > 0 ? 100 * run / lines : 0)
}
{ lines[$3] += $1; run[$3] += $2; all_lines += $1; all_run += $2 }
END {
	n = split("src src/base auth api store", order, " ")
	for (i = 1; i <= n; i++)
		row(order[i], lines[order[i]], run[order[i]])
	row("all", all_lines, all_run)
	exit all_run == 0
}' "$list"
echo "Least covered:"
awk '{ printf "%5.1f %%  %4d of %4d not run  %s\n", 100 * $2 / $1, $1 - $2,
    $1, $4 }' "$list" | sort -n | head -n 12
