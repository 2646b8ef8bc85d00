#!/bin/sh
# The program with libsecret and a key ring of its own, unlocked, on a message
# bus of its own: what login --save-password keeps, and what takes it away.
# BUILD names a build made with LIBSECRET=1.  Where the parts for it are not
# there, it says so and is skipped.
set -eu
BUILD=${BUILD:-build}

skip() {
	echo "skipped: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
for tool in dbus-run-session gnome-keyring-daemon secret-tool python3; do
	command -v "$tool" >/dev/null 2>&1 || skip "$tool is not here"
done
[ -x "$BUILD/icloud-pull" ] || skip "$BUILD/icloud-pull was not built"

# Nobody's real key ring is touched: the daemon keeps its files below HOME.
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export BUILD HOME="$home" XDG_RUNTIME_DIR="$home/run" \
    XDG_DATA_HOME="$home/data" XDG_CONFIG_HOME="$home/config" \
    PYTHONDONTWRITEBYTECODE=1
unset DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
mkdir -m 0700 "$XDG_RUNTIME_DIR" "$XDG_DATA_HOME" "$XDG_CONFIG_HOME"
# The daemon ends with its bus.
dbus-run-session -- sh -c '
	printf "a password of its own" |
	    gnome-keyring-daemon --unlock --components=secrets >/dev/null
	exec python3 tests/run/keystore.py'
