# icloud-pull: GNU make 3.81 or later; nothing but this file and pkg-config.
# Objects lie in $(O).  "make check" is all that someone new needs.

O       ?= build
PREFIX  ?= /usr/local
MANDIR  ?= $(PREFIX)/share/man
DESTDIR ?=
CC      ?= cc
AR      ?= ar
CFLAGS  ?= -O2 -g
VERSION  = 0.1.0

BREW := $(shell brew --prefix 2>/dev/null || true)
ifneq ($(BREW),)
export PKG_CONFIG_PATH := $(BREW)/opt/openssl@3/lib/pkgconfig:$(PKG_CONFIG_PATH)
endif
PKG_CONFIG ?= pkg-config

WARN  = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
        -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla
STD   = -std=c11
UNAME := $(shell uname -s 2>/dev/null)
ifeq ($(UNAME),Darwin)
FEATURES = -D_DARWIN_C_SOURCE -DKEYSTORE_KEYCHAIN
SYSTEM_LIBS = -framework CoreFoundation -framework IOKit -framework Security
else
FEATURES = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
endif
ifdef WERROR
WARN += -Werror
endif
ifdef SANITIZE
SAN = -fsanitize=address,undefined -fno-sanitize-recover=all \
      -fno-omit-frame-pointer
endif
ifdef FUZZING
SAN += -fsanitize=fuzzer-no-link
endif
ALL_CFLAGS = $(STD) $(FEATURES) $(WARN) -pthread -MMD -MP $(SAN) $(CPPFLAGS) $(CFLAGS)

# V=1 shows the commands.
ifdef V
Q =
say =
else
Q = @
say = @echo "  $(1) $@"
endif

# Libraries by what needs them; tests see only those of their part.
LIBS_BASE  = libcurl libcjson libcrypto libutf8proc
# LIBSECRET=1 keeps passwords in the desktop's key ring.
ifdef LIBSECRET
FEATURES  += -DKEYSTORE_LIBSECRET
LIBS_BASE += libsecret-1
endif
LIBS_STORE = sqlite3 zlib
LIBS_API   = libplist-2.0
pkg_cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
pkg_libs   = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)
CFLAGS_LIBS := $(call pkg_cflags,$(LIBS_BASE) $(LIBS_STORE) $(LIBS_API))
BASE_LIBS   := $(call pkg_libs,$(LIBS_BASE)) $(SYSTEM_LIBS) -pthread
STORE_LIBS  := $(call pkg_libs,$(LIBS_STORE))
API_LIBS    := $(call pkg_libs,$(LIBS_API))
MHD_CFLAGS  := $(call pkg_cflags,libmicrohttpd libssl)
MHD_LIBS    := $(call pkg_libs,libmicrohttpd libssl libcrypto libcjson)
TLS_LIBS    := $(call pkg_libs,libssl)
CMOCKA_LIBS := $(call pkg_libs,cmocka)

# Which part may include what: src -> auth, api, store -> src/base.  Each
# part is compiled against copies of the headers it may see and no others.
BASE_H  = $(notdir $(wildcard src/base/*.h))
AUTH_H  = auth.h session.h
API_H   = $(notdir $(filter-out %_p.h,$(wildcard api/*.h)))
STORE_H = store.h
INC     = $(O)/include
PUBLIC  = $(addprefix $(INC)/base/,$(BASE_H)) $(addprefix $(INC)/auth/,$(AUTH_H)) \
          $(INC)/session/session.h $(addprefix $(INC)/api/,$(API_H)) \
          $(addprefix $(INC)/store/,$(STORE_H))
INC_base  = -iquote $(INC)/base
INC_auth  = $(INC_base) -iquote auth
INC_api   = $(INC_base) -iquote api -iquote $(INC)/session
INC_store = $(INC_base) -iquote store
INC_src   = $(INC_base) -iquote src -iquote $(INC)/auth -iquote $(INC)/api \
            -iquote $(INC)/store

SRC_base  = $(wildcard src/base/*.c)
SRC_auth  = $(wildcard auth/*.c)
SRC_api   = $(wildcard api/*.c)
SRC_store = $(wildcard store/*.c)
SRC_src   = $(filter-out src/main.c,$(wildcard src/*.c))
SRC_sim   = $(wildcard tests/sim/*.c)
SRC       = src/main.c $(SRC_src) $(SRC_auth) $(SRC_api) $(SRC_store) $(SRC_base)
objs      = $(patsubst %.c,$(O)/obj/%.o,$(1))

LIB_base  = $(O)/libbase.a
LIB_auth  = $(O)/libauth.a
LIB_api   = $(O)/libapi.a
LIB_store = $(O)/libstore.a
LIB_src   = $(O)/libsrc.a
LIBS_ALL  = $(LIB_src) $(LIB_auth) $(LIB_api) $(LIB_store) $(LIB_base)

PROGRAM = $(O)/icloud-pull
SIM     = $(O)/simcloud

COMPLETIONS = $(O)/completions

all: $(PROGRAM) units $(COMPLETIONS)/bash $(COMPLETIONS)/zsh $(COMPLETIONS)/fish

$(PROGRAM): $(O)/obj/src/main.o $(LIBS_ALL)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(API_LIBS) $(STORE_LIBS) $(BASE_LIBS)

$(SIM): $(call objs,$(SRC_sim)) $(LIB_base)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(MHD_LIBS) $(BASE_LIBS)

$(LIB_base): $(call objs,$(SRC_base))
$(LIB_auth): $(call objs,$(SRC_auth))
$(LIB_api): $(call objs,$(SRC_api))
$(LIB_store): $(call objs,$(SRC_store))
$(LIB_src): $(call objs,$(SRC_src))
$(O)/lib%.a:
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(O)/obj/src/base/%.o: src/base/%.c | $(PUBLIC)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_LIBS) -iquote src/base -c -o $@ $<
$(O)/obj/auth/%.o: auth/%.c | $(PUBLIC)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_LIBS) $(INC_auth) -c -o $@ $<
$(O)/obj/api/%.o: api/%.c | $(PUBLIC)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_LIBS) $(INC_api) -c -o $@ $<
$(O)/obj/store/%.o: store/%.c | $(PUBLIC)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_LIBS) $(INC_store) -c -o $@ $<
$(O)/obj/src/%.o: src/%.c | $(PUBLIC)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_LIBS) -DVERSION='"$(VERSION)"' $(INC_src) -c -o $@ $<
$(O)/obj/tests/sim/%.o: tests/sim/%.c | $(PUBLIC)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_LIBS) $(MHD_CFLAGS) $(INC_base) -iquote tests/sim -c -o $@ $<

$(COMPLETIONS)/%: $(PROGRAM)
	@mkdir -p $(@D)
	$(call say,GEN)
	$(Q)$(PROGRAM) --completion $* >$@.new && mv $@.new $@

# Copies are kept: they are what a later build compares with.
.SECONDARY: $(PUBLIC)
$(INC)/base/%.h: src/base/%.h
	@mkdir -p $(@D)
	@cp $< $@
$(INC)/auth/%.h: auth/%.h
	@mkdir -p $(@D)
	@cp $< $@
$(INC)/session/%.h: auth/%.h
	@mkdir -p $(@D)
	@cp $< $@
$(INC)/api/%.h: api/%.h
	@mkdir -p $(@D)
	@cp $< $@
$(INC)/store/%.h: store/%.h
	@mkdir -p $(@D)
	@cp $< $@

# Unit tests: tests/PART/test_X.c is linked with PART, what lies below it, and
# nothing else.
TESTS_base  = $(patsubst %.c,$(O)/%,$(wildcard tests/base/test_*.c))
TESTS_auth  = $(patsubst %.c,$(O)/%,$(wildcard tests/auth/test_*.c))
TESTS_api   = $(patsubst %.c,$(O)/%,$(wildcard tests/api/test_*.c))
TESTS_store = $(patsubst %.c,$(O)/%,$(wildcard tests/store/test_*.c))
TESTS_src   = $(patsubst %.c,$(O)/%,$(wildcard tests/src/test_*.c tests/replay/test_*.c))
TESTS_sim   = $(patsubst %.c,$(O)/%,$(wildcard tests/sim/unit/test_*.c))
UNIT_TESTS  = $(TESTS_base) $(TESTS_auth) $(TESTS_api) $(TESTS_store) $(TESTS_src) $(TESTS_sim)

unit_cc = @mkdir -p $(@D); echo "  TEST $@"; \
	$(CC) $(ALL_CFLAGS) $(CFLAGS_LIBS) -iquote tests $(1) $(LDFLAGS) -o $@ \
	$< $(2) $(CMOCKA_LIBS) $(3)
$(TESTS_base): $(O)/tests/base/%: tests/base/%.c $(LIB_base) | $(PUBLIC)
	$(call unit_cc,-iquote src/base,$(LIB_base),$(TLS_LIBS) $(BASE_LIBS))
$(TESTS_auth): $(O)/tests/auth/%: tests/auth/%.c $(LIB_auth) $(LIB_base) | $(PUBLIC)
	$(call unit_cc,$(INC_auth),$(LIB_auth) $(LIB_base),$(BASE_LIBS))
$(TESTS_api): $(O)/tests/api/%: tests/api/%.c $(LIB_api) $(LIB_base) | $(PUBLIC)
	$(call unit_cc,$(INC_api),$(LIB_api) $(LIB_base),$(API_LIBS) $(BASE_LIBS))
$(TESTS_store): $(O)/tests/store/%: tests/store/%.c $(LIB_store) $(LIB_base) | $(PUBLIC)
	$(call unit_cc,$(INC_store),$(LIB_store) $(LIB_base),$(STORE_LIBS) $(BASE_LIBS))
$(TESTS_src): $(O)/tests/%: tests/%.c $(LIBS_ALL) | $(PUBLIC)
	$(call unit_cc,$(INC_src),$(LIBS_ALL),$(API_LIBS) $(STORE_LIBS) $(BASE_LIBS))
$(TESTS_sim): $(O)/tests/sim/unit/%: tests/sim/unit/%.c $(filter-out %/main.o,$(call objs,$(SRC_sim))) $(LIB_base) | $(PUBLIC)
	$(call unit_cc,$(MHD_CFLAGS) $(INC_base) -iquote tests/sim,$(filter-out %/main.o,$(call objs,$(SRC_sim))) $(LIB_base),$(MHD_LIBS) $(BASE_LIBS))

# Fuzz targets: tests/fuzz/fuzz_PART_X.c is linked as a unit test of PART is.
# As a test it reads the files of tests/fuzz/corpus/PART_X; with FUZZING=1 it
# makes its own.
FUZZ_base  = $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/fuzz_base_*.c))
FUZZ_auth  = $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/fuzz_auth_*.c))
FUZZ_api   = $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/fuzz_api_*.c))
FUZZ_store = $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/fuzz_store_*.c))
FUZZ_src   = $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/fuzz_src_*.c))
FUZZ_ALL   = $(FUZZ_base) $(FUZZ_auth) $(FUZZ_api) $(FUZZ_store) $(FUZZ_src)
UNIT_TESTS += $(FUZZ_ALL)
ifdef FUZZING
FUZZ_MAIN = -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay.c
endif

fuzz_cc = @mkdir -p $(@D); echo "  FUZZ $@"; \
	$(CC) $(filter-out -MMD -MP,$(ALL_CFLAGS)) $(CFLAGS_LIBS) $(1) \
	$(LDFLAGS) -o $@ $< $(FUZZ_MAIN) $(2) $(3)
$(FUZZ_ALL): $(wildcard tests/fuzz/*.h) tests/fuzz/replay.c
$(FUZZ_base): $(O)/tests/fuzz/%: tests/fuzz/%.c $(LIB_base) | $(PUBLIC)
	$(call fuzz_cc,-iquote src/base,$(LIB_base),$(BASE_LIBS))
$(FUZZ_auth): $(O)/tests/fuzz/%: tests/fuzz/%.c $(LIB_auth) $(LIB_base) | $(PUBLIC)
	$(call fuzz_cc,$(INC_auth),$(LIB_auth) $(LIB_base),$(BASE_LIBS))
$(FUZZ_api): $(O)/tests/fuzz/%: tests/fuzz/%.c $(LIB_api) $(LIB_base) | $(PUBLIC)
	$(call fuzz_cc,$(INC_api),$(LIB_api) $(LIB_base),$(API_LIBS) $(BASE_LIBS))
$(FUZZ_store): $(O)/tests/fuzz/%: tests/fuzz/%.c $(LIB_store) $(LIB_base) | $(PUBLIC)
	$(call fuzz_cc,$(INC_store),$(LIB_store) $(LIB_base),$(STORE_LIBS) $(BASE_LIBS))
$(FUZZ_src): $(O)/tests/fuzz/%: tests/fuzz/%.c $(LIBS_ALL) | $(PUBLIC)
	$(call fuzz_cc,$(INC_src),$(LIBS_ALL),$(API_LIBS) $(STORE_LIBS) $(BASE_LIBS))

unit-base: $(TESTS_base)
	@sh tests/run-units.sh $(TESTS_base)
unit-auth: $(TESTS_auth)
	@sh tests/run-units.sh $(TESTS_auth)
unit-api: $(TESTS_api)
	@sh tests/run-units.sh $(TESTS_api)
unit-store: $(TESTS_store)
	@sh tests/run-units.sh $(TESTS_store)
unit-src: $(TESTS_src)
	@sh tests/run-units.sh $(TESTS_src)
unit-sim: $(TESTS_sim)
	@sh tests/run-units.sh $(TESTS_sim)

# ---- what people run ----

$(O)/shim.so: tests/run/shim.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -shared -fPIC -O2 -Wall -Wextra -o $@ $< -ldl

build-deps:
	@sh tests/install.sh build
check-deps:
	@sh tests/install.sh check
tidy-deps:
	@sh tests/install.sh tidy
fuzz-deps:
	@sh tests/install.sh fuzz

# What was just installed changes what pkg-config says: make starts anew.
demo: build-deps
	@$(MAKE) --no-print-directory $(PROGRAM) $(SIM)
	@BUILD=$(O) sh tests/demo.sh

check: check-deps
	@$(MAKE) --no-print-directory check-built

check-built: $(PROGRAM) $(SIM) $(O)/shim.so $(UNIT_TESTS)
	@BUILD=$(O) sh tests/check.sh $(UNIT_TESTS)

# The whole suite with sanitizers; a short sample of torture.
asan: check-deps
	@$(MAKE) --no-print-directory O=$(O)/asan SANITIZE=1 CFLAGS="-O1 -g" \
	    TORTURE_S=$${TORTURE_S:-10} KILLS=$${KILLS:-5} check-built

# Every durable step in turn, and many random kills.  Long.
torture: check-deps
	@$(MAKE) --no-print-directory $(PROGRAM) $(SIM) $(O)/shim.so
	BUILD=$(O) TORTURE_S=0 KILLS=50 KILL_ASSETS=2000 \
	    python3 tests/run/test_crash.py

# Twenty libraries of all kinds, thirty random changes each.  Long.
library: check-deps
	@$(MAKE) --no-print-directory $(PROGRAM) $(SIM) $(O)/shim.so
	BUILD=$(O) LIBRARY_SEEDS=$${LIBRARY_SEEDS:-20} \
	    LIBRARY_ASSETS=$${LIBRARY_ASSETS:-3000} \
	    python3 tests/run/test_library.py

# Each target for FUZZ_S seconds (60), or only FUZZ=base_json; needs clang.
FUZZ_CC ?= clang
fuzz: fuzz-deps
	@$(MAKE) --no-print-directory O=$(O)/fuzz CC=$(FUZZ_CC) FUZZING=1 \
	    SANITIZE=1 CFLAGS="-O1 -g" fuzz-built

fuzz-built: $(if $(FUZZ),$(O)/tests/fuzz/fuzz_$(FUZZ),$(FUZZ_ALL))
	@BUILD=$(O) sh tests/fuzz.sh $^

# Lines that the suite runs.  The kills that hit at any moment are left out:
# they would hit what is being written about the lines.
coverage: check-deps
	@rm -rf $(O)/coverage
	@rc=0; $(MAKE) --no-print-directory O=$(O)/coverage \
	    CFLAGS="--coverage -fprofile-update=atomic -O0 -g" \
	    TORTURE_S=$${TORTURE_S:-5} KILLS=0 check-built || rc=$$?; \
	    BUILD=$(O)/coverage CC="$(CC)" sh tests/coverage.sh && exit $$rc

# Public clients, unmodified, against the simulated iCloud.  What they need
# beyond the simulator may be absent: then they are skipped.
compat: build-deps
	@sh tests/install.sh compat || true
	@$(MAKE) --no-print-directory $(SIM)
	@BUILD=$(O) python3 tests/compat/test_clients.py

# Each number of docs/design.md beside what else does the same; prints the
# ratios, and fails where one is not reached.  bench-download stands alone: it
# does not pass yet.
bench: bench-verify bench-listing

$(O)/bench-hash: tests/bench/hash.c
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_LIBS) $(LDFLAGS) -o $@ $< $(BASE_LIBS)

bench-verify: check-deps
	@$(MAKE) --no-print-directory $(PROGRAM) $(SIM) $(O)/bench-hash
	BUILD=$(O) python3 tests/bench/verify.py
bench-listing: check-deps
	@$(MAKE) --no-print-directory $(PROGRAM) $(SIM)
	BUILD=$(O) python3 tests/bench/listing.py
bench-download: check-deps
	@$(MAKE) --no-print-directory $(PROGRAM) $(SIM)
	BUILD=$(O) python3 tests/bench/download.py

# Compiled and linked for macOS, on Linux; never run.
check-macos:
	@MAKE="$(MAKE)" sh tests/macos/check.sh $(O)

# Passwords in the desktop's key ring, with one of its own.  What is needed may
# be absent: then it is skipped.
keystore-test: check-deps
	@sh tests/install.sh keystore || true
	@if $(PKG_CONFIG) --exists libsecret-1; then \
	    $(MAKE) --no-print-directory O=$(O)/secret LIBSECRET=1 \
	    $(O)/secret/icloud-pull $(O)/secret/simcloud; fi
	@BUILD=$(O)/secret sh tests/keystore.sh

# ---- looking at the code ----

C_FILES = $(wildcard src/*.c src/base/*.c auth/*.c api/*.c \
          store/*.c tests/*/*.c tests/sim/unit/*.c)
SH_FILES = $(wildcard tests/*.sh tests/macos/*.sh) .ci/run

format:
	clang-format -i $(C_FILES)

tidy: tidy-deps
	@$(MAKE) --no-print-directory tidy-run

tidy-run: $(PUBLIC)
	clang-format --dry-run -Werror $(C_FILES)
	shellcheck -s sh $(SH_FILES)
	cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
	    --enable=warning,portability,performance \
	    --suppress=missingIncludeSystem -D_GNU_SOURCE \
	    $(INC_src) -iquote auth -iquote api -iquote store $(SRC)
	for part in base auth api store src; do \
	    $(MAKE) --no-print-directory tidy-$$part || exit 1; done

tidy-base:
	clang-tidy --quiet $(SRC_base) -- $(STD) $(FEATURES) $(CFLAGS_LIBS) -iquote src/base
tidy-auth tidy-api tidy-store: tidy-%:
	clang-tidy --quiet $(SRC_$*) -- $(STD) $(FEATURES) $(CFLAGS_LIBS) $(INC_$*)
tidy-src:
	clang-tidy --quiet src/main.c $(SRC_src) -- $(STD) $(FEATURES) $(CFLAGS_LIBS) \
	    -DVERSION='"$(VERSION)"' $(INC_src)

man: check-deps
	mandoc -T lint -W warning docs/icloud-pull.1

# ---- what starts it every night ----

UNITS = $(O)/units/icloud-pull.service $(O)/units/icloud-pull.timer \
        $(O)/units/org.icloud-pull.nightly.plist

units: $(UNITS)
# Made anew each time: PREFIX may have changed.
$(O)/units/%: docs/packaging/systemd/%.in always
	@mkdir -p $(@D)
	$(Q)sed 's|@BINDIR@|$(PREFIX)/bin|g' $< >$@
$(O)/units/%: docs/packaging/launchd/%.in always
	@mkdir -p $(@D)
	$(Q)sed 's|@BINDIR@|$(PREFIX)/bin|g' $< >$@
always:

# ---- installing ----

BIN_DIR  = $(DESTDIR)$(PREFIX)/bin
MAN1_DIR = $(DESTDIR)$(MANDIR)/man1
BASH_DIR = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSH_DIR  = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISH_DIR = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
DOC_DIR  = $(DESTDIR)$(PREFIX)/share/doc/icloud-pull
UNIT_DIR = $(DESTDIR)$(PREFIX)/lib/systemd/user

install: all
	install -d "$(BIN_DIR)" "$(MAN1_DIR)" "$(BASH_DIR)" "$(ZSH_DIR)" \
	    "$(FISH_DIR)" "$(DOC_DIR)/docs"
	install -m 0755 $(PROGRAM) "$(BIN_DIR)/icloud-pull"
	install -m 0644 docs/icloud-pull.1 "$(MAN1_DIR)/icloud-pull.1"
	install -m 0644 $(COMPLETIONS)/bash "$(BASH_DIR)/icloud-pull"
	install -m 0644 $(COMPLETIONS)/zsh "$(ZSH_DIR)/_icloud-pull"
	install -m 0644 $(COMPLETIONS)/fish "$(FISH_DIR)/icloud-pull.fish"
	install -m 0644 README.md LICENSE "$(DOC_DIR)"
	install -m 0644 $(wildcard docs/*.md) "$(DOC_DIR)/docs"
ifeq ($(UNAME),Darwin)
	install -m 0644 $(O)/units/org.icloud-pull.nightly.plist "$(DOC_DIR)"
else
	install -d "$(UNIT_DIR)"
	install -m 0644 $(O)/units/icloud-pull.service \
	    $(O)/units/icloud-pull.timer "$(UNIT_DIR)"
endif

# Directories that others use too are left.
uninstall:
	rm -f "$(BIN_DIR)/icloud-pull" "$(MAN1_DIR)/icloud-pull.1" \
	    "$(BASH_DIR)/icloud-pull" "$(ZSH_DIR)/_icloud-pull" \
	    "$(FISH_DIR)/icloud-pull.fish" \
	    "$(UNIT_DIR)/icloud-pull.service" "$(UNIT_DIR)/icloud-pull.timer"
	rm -rf "$(DOC_DIR)"

# The tarball of a release and its Homebrew formula; DIST_URL: where people
# will find the tarball.
dist:
	@python3 docs/packaging/dist.py $(VERSION) $(O) $(DIST_URL)

# The tarball becomes a Debian package, installed and removed in a system of
# its own.  Needs root and some minutes.
package-test:
	@BUILD=$(O) PYTHONDONTWRITEBYTECODE=1 python3 tests/packaging/test_debian.py

clean:
	rm -rf $(O)

.PHONY: library all man units always clean install uninstall dist package-test \
	demo compat bench bench-verify bench-listing bench-download check check-built asan torture tidy \
	tidy-run tidy-base tidy-auth tidy-api tidy-store tidy-src format \
	build-deps check-deps tidy-deps fuzz-deps fuzz fuzz-built coverage \
	check-macos keystore-test unit-base unit-auth unit-api \
	unit-store unit-src unit-sim
-include $(shell find $(O) -name '*.d' 2>/dev/null)
