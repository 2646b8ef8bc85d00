#!/bin/sh
# Facts about Apple's service stand in docs/protocol.md, each under a tag, and
# comments cite them as [tag].  Fails for a tag that only one side has.
#	tests/tags.sh
# A tag is lower-case words with dashes in square brackets, in a comment; an
# index such as at[last] is none.  In the page a tag is a heading "### [tag]".
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")/.." || exit 1
page=docs/protocol.md
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# "file:line: tag" for each citation in the comments of the files named.
cited() {
	awk '
	# The comments of a line of C; state is kept from line to line, since
	# strings and comments hold each other'\''s signs.
	function comments_of_c(s,    out, i, c, two) {
		out = ""
		for (i = 1; i <= length(s); i++) {
			c = substr(s, i, 1)
			two = substr(s, i, 2)
			if (state == "comment") {
				if (two == "*/") {
					state = ""
					out = out " "
					i++
				} else
					out = out c
			} else if (state != "") {	# the sign that ends it
				if (c == "\\")
					i++
				else if (c == state)
					state = ""
			} else if (two == "/*") {
				state = "comment"
				i++
			} else if (two == "//")
				return out substr(s, i + 2)
			else if (c == "\"" || c == "'\''")
				state = c
		}
		if (state != "comment")	# no string is longer than its line
			state = ""
		return out
	}
	function comments_of_python(s) {
		return match(s, /(^|[ \t])#/) ? substr(s, RSTART + RLENGTH) : ""
	}
	FNR == 1 { state = "" }
	{
		s = FILENAME ~ /\.py$/ ? comments_of_python($0) : comments_of_c($0)
		for (s = " " s; match(s, /\[[a-z][a-z0-9]*(-[a-z0-9]+)*\]/);
		    s = "]" substr(s, RSTART + RLENGTH))
			if (substr(s, RSTART - 1, 1) !~ /[A-Za-z0-9_\])]/)
				print FILENAME ":" FNR ": " \
				    substr(s, RSTART + 1, RLENGTH - 2)
	}' "$@"
}

find src auth api store tests -type f \
    \( -name '*.[ch]' -o -name '*.py' \) | sort >"$tmp/files"
while IFS= read -r f; do
	cited "$f"
done <"$tmp/files" >"$tmp/cited"
sed -n 's/^### \[\([^]]*\)\]$/\1/p' "$page" | sort >"$tmp/written"

failed=0
while IFS= read -r line; do
	grep -qxF -- "${line##*: }" "$tmp/written" && continue
	echo "${line%: *}: [${line##*: }] is not in $page"
	failed=1
done <"$tmp/cited"
sed 's/.*: //' "$tmp/cited" | sort -u >"$tmp/tags"
while IFS= read -r tag; do
	grep -qxF -- "$tag" "$tmp/tags" && continue
	echo "$page: nothing cites [$tag]"
	failed=1
done <"$tmp/written"
uniq -d "$tmp/written" >"$tmp/twice"
while IFS= read -r tag; do
	echo "$page: [$tag] is there twice"
	failed=1
done <"$tmp/twice"
# Neither side may be empty: then nothing was read.
if [ ! -s "$tmp/tags" ] || [ ! -s "$tmp/written" ]; then
	echo "no tags were found"
	failed=1
fi
echo "$((1 - failed)) passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
