#!/bin/sh
# Install what is missing: "build" to build and run, "check" for tests too,
# "tidy" for the linters too, "fuzz" for clang with libFuzzer, "macos" to compile
# for macOS, "compat" to run other clients, "package" to try the Debian package,
# "keystore" for a key ring to try.
# Says what it does; where it may not, prints the one command and exits 2.
set -eu
what=${1:-build}

have() {
	command -v "$1" >/dev/null 2>&1
}
have_lib() {
	pkg-config --exists "$1" 2>/dev/null
}

apt='' brew=''
need() { # tool-or-library Debian-package Homebrew-package
	if ! have "$1" && ! have_lib "$1"; then
		apt="$apt $2" brew="$brew $3"
	fi
}
need cc gcc ""
need make make make
need pkg-config pkg-config pkgconf
need curl curl ""
if ! have pkg-config; then
	# Nothing can be asked of pkg-config yet: all of them.
	apt="$apt libcurl4-openssl-dev libcjson-dev libssl-dev libsqlite3-dev"
	apt="$apt zlib1g-dev libutf8proc-dev libplist-dev libmicrohttpd-dev"
	brew="$brew cjson openssl@3 utf8proc libplist libmicrohttpd"
else
	need libcurl libcurl4-openssl-dev ""
	need libcjson libcjson-dev cjson
	need libcrypto libssl-dev openssl@3
	need sqlite3 libsqlite3-dev ""
	need zlib zlib1g-dev ""
	need libutf8proc libutf8proc-dev utf8proc
	need libplist-2.0 libplist-dev libplist
	need libmicrohttpd libmicrohttpd-dev libmicrohttpd
	# The sqlite3 tool alone does not bring the headers.
	have_lib sqlite3 || apt="$apt libsqlite3-dev"
fi
case $what in
check | tidy)
	have_lib cmocka || { apt="$apt libcmocka-dev" brew="$brew cmocka"; }
	need python3 python3 python3
	need mandoc mandoc mandoc
	need exiftool libimage-exiftool-perl exiftool
	need exiv2 exiv2 exiv2
	# Other file systems, in a file: for root on Linux alone.
	if [ -e /dev/fuse ] && [ "$(id -u)" -eq 0 ] && have apt-get; then
		need mount.exfat-fuse exfat-fuse ""
		need mkfs.exfat exfatprogs ""
		need lowntfs-3g ntfs-3g ""
	fi
	;;
esac
case $what in
tidy)
	need clang clang llvm
	need clang-tidy clang-tidy llvm
	need clang-format clang-format clang-format
	need cppcheck cppcheck cppcheck
	need shellcheck shellcheck shellcheck
	;;
esac
case $what in
fuzz)
	need python3 python3 python3
	# Apple's clang comes without libFuzzer, some packages of clang too.
	echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void)
	    { return 0; }' | clang -fsanitize=fuzzer -x c -o /dev/null - \
	    2>/dev/null || { apt="$apt clang libclang-rt-dev" brew="$brew llvm"; }
	;;
esac
options=''
case $what in
compat)
	# They run on Linux alone.
	have apt-get || exit 0
	need python3 python3 ""
	need npm npm node
	need unshare util-linux ""
	python3 -c 'import ensurepip' 2>/dev/null || apt="$apt python3-venv"
	options=' --no-install-recommends'
	;;
keystore)
	# The store that is tried is that of Linux desktops.
	have apt-get || exit 0
	need libsecret-1 libsecret-1-dev ""
	need secret-tool libsecret-tools ""
	need dbus-run-session dbus-daemon ""
	need gnome-keyring-daemon gnome-keyring ""
	options=' --no-install-recommends'
	;;
package)
	need g++ build-essential ""
	need dh debhelper ""
	need lintian lintian ""
	need debootstrap debootstrap ""
	need python3 python3 ""
	have_lib cmocka || apt="$apt libcmocka-dev"
	options=' --no-install-recommends'
	;;
macos)
	need nm binutils ""
	need npm npm node
	# Hundreds of packages are recommended with npm; it needs none of them.
	options=' --no-install-recommends'
	[ -e /etc/ssl/certs/ca-certificates.crt ] || apt="$apt ca-certificates"
	;;
esac
[ -z "$apt" ] && exit 0

if have apt-get; then
	command="apt-get install -y$options$apt"
	if [ "$(id -u)" -ne 0 ]; then
		if have sudo && sudo -n true 2>/dev/null; then
			command="sudo $command"
		else
			echo "Some packages are missing. Run:"
			echo "  sudo $command"
			exit 2
		fi
	fi
	echo "Installing what is missing: $command"
	case $command in
	sudo*) sudo apt-get update -qq ;;
	*) apt-get update -qq ;;
	esac
	DEBIAN_FRONTEND=noninteractive $command >/dev/null
elif have brew; then
	brew=$(echo "$brew" | tr -s ' ')
	echo "Installing what is missing: brew install$brew"
	# shellcheck disable=SC2086 # one word for each package
	brew install $brew
else
	echo "Neither apt-get nor brew is here. Install these by other means:"
	echo " $apt"
	exit 2
fi
