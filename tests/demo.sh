#!/bin/sh
# A small simulated iCloud, a sign-in with a code, a whole copy, a proof.
# Everything lies in one folder, whose path is printed at the end.
set -eu
BUILD=${BUILD:-build}
here=$(cd "$BUILD" && pwd)/demo
account=jd@example.com
password="correct horse battery staple"
rm -rf "$here"
mkdir -p "$here/home" "$here/sim"

say() {
	printf '\n\033[1m%s\033[0m\n' "$*"
}
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

say "Starting a simulated iCloud with 60 photos and videos"
mkfifo "$here/alive"
"$BUILD/simcloud" --dir "$here/sim" --assets 60 --account "$account" \
    --password "$password" --die-with-stdin \
    <"$here/alive" >"$here/sim.json" &
sim=$!
exec 3>"$here/alive" # the simulator ends when this end closes
while [ ! -s "$here/sim.json" ] && kill -0 $sim 2>/dev/null; do
	sleep 0.1
done
field() {
	sed -n "s/.*\"$1\": *\"\{0,1\}\([^,\"}]*\).*/\1/p" "$here/sim.json"
}
port=$(field port) control=$(field control) ca=$(field ca_file)

pull() {
	echo "\$ icloud-pull $*"
	HOME=$here/home XDG_STATE_HOME='' XDG_CONFIG_HOME='' \
	    "$BUILD/icloud-pull" --connect-to "127.0.0.1:$port" \
	    --ca-file "$ca" "$@"
}
# The code that the simulated devices show, as soon as one was asked for.
code() {
	tries=0
	while [ $tries -lt 200 ]; do
		text=$(curl -s --noproxy '*' -f \
		    "http://127.0.0.1:$control/code" 2>/dev/null |
		    sed -n 's/.*"code": *"\([0-9]*\)".*/\1/p')
		[ -n "$text" ] && break
		tries=$((tries + 1))
		sleep 0.1
	done
	echo "The devices show the code $text." >&2
	echo "$text"
}

say "Signing in: password, then the code from a device"
{
	printf '%s\n%s\n' "$account" "$password"
	code
} | pull login --stdin --root "$here/copy"
say "Pulling the whole library"
pull sync
say "Verifying every byte of it"
pull verify
say "And without this program"
(cd "$here/copy" && if command -v sha256sum >/dev/null 2>&1; then
	sha256sum --quiet -c .icloud-pull/SHA256SUMS
else
	shasum -a 256 --quiet -c .icloud-pull/SHA256SUMS
fi && echo "sha256sum -c .icloud-pull/SHA256SUMS: all files are right")
say "Where it stands"
pull status
say "A night later, with nothing new: three requests"
pull sync
exec 3>&-
wait $sim || true
printf '\nThe copy lies in %s\n' "$here/copy"
