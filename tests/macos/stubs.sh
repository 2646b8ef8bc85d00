#!/bin/sh
# What a Mac has beside its C library, for a link that is never run: headers
# and pkg-config files of the libraries that the program uses, and a text stub
# with the symbols of each library and framework.
#	tests/macos/stubs.sh FOLDER
# The libraries' symbols and headers are those of this system's own packages.
# A call that is in none of them stops the link.
set -eu
out=$1
mkdir -p "$out/stub" "$out/include" "$out/pkgconfig"
here=$(cd "$out" && pwd)

# A stub of the library that loads from $1, with the symbols on standard input.
stub() {
	sort -u | paste -sd, - | {
		read -r symbols
		cat <<-END
		--- !tapi-tbd
		tbd-version: 4
		targets: [ x86_64-macos, arm64-macos ]
		install-name: '$1'
		exports:
		  - targets: [ x86_64-macos, arm64-macos ]
		    symbols: [ $symbols ]
		...
		END
	}
}

library() { # pkg-config-name library headers...
	name=$1 lib=$2
	shift 2
	from=$(pkg-config --variable=libdir "$name")
	nm -D --defined-only "$from/lib$lib.so" |
	    awk '$2 ~ /[TDRBVWi]/ { sub(/@.*/, "", $3); print "_" $3 }' |
	    stub "/stub/lib$lib.dylib" >"$out/stub/lib$lib.tbd"
	from=$(pkg-config --variable=includedir "$name")
	for header; do
		cp -R "$from/$header" "$out/include/"
	done
	cat >"$out/pkgconfig/$name.pc" <<-END
	Name: $name
	Description: for compiling and linking only
	Version: $(pkg-config --modversion "$name")
	Cflags: -isystem $here/include
	Libs: -L$here/stub -l$lib
	END
}

framework() { # name symbols...
	name=$1
	shift
	mkdir -p "$out/stub/$name.framework"
	printf '_%s\n' "$@" |
	    stub "/System/Library/Frameworks/$name.framework/Versions/A/$name" \
	    >"$out/stub/$name.framework/$name.tbd"
}

library libcurl curl curl
library libcjson cjson cjson
library libcrypto crypto openssl
# What differs from processor to processor lies in a folder of its own.
multiarch=$(pkg-config --variable=libdir libcrypto)
cp /usr/include/"${multiarch##*/}"/openssl/*.h "$out/include/openssl/"
library sqlite3 sqlite3 sqlite3.h
library zlib z zlib.h zconf.h
library libutf8proc utf8proc utf8proc.h
library libplist-2.0 plist-2.0 plist
library libplist-2.0 plist-2.0 plist

framework CoreFoundation __CFConstantStringClassReference \
    kCFAllocatorDefault kCFBooleanTrue kCFBooleanFalse \
    kCFTypeDictionaryKeyCallBacks kCFTypeDictionaryValueCallBacks \
    CFStringCreateWithCString CFDataCreate CFDataGetBytePtr CFDataGetLength \
    CFDictionaryCreateMutable CFDictionarySetValue CFRelease
framework Security kSecClass kSecClassGenericPassword kSecAttrService \
    kSecAttrAccount kSecAttrLabel kSecValueData kSecReturnData \
    kSecMatchLimit kSecMatchLimitOne SecItemAdd SecItemCopyMatching \
    SecItemUpdate SecItemDelete SecCopyErrorMessageString
framework IOKit IOPMAssertionCreateWithName IOPMAssertionRelease
