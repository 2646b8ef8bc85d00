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
FEATURES = -D_DARWIN_C_SOURCE
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
ALL_CFLAGS = $(STD) $(FEATURES) $(WARN) -pthread -MMD -MP $(SAN) $(CFLAGS)

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
LIBS_STORE = sqlite3 zlib
pkg_cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
pkg_libs   = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)
CFLAGS_LIBS := $(call pkg_cflags,$(LIBS_BASE) $(LIBS_STORE))
BASE_LIBS   := $(call pkg_libs,$(LIBS_BASE)) -pthread
STORE_LIBS  := $(call pkg_libs,$(LIBS_STORE))
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

all: $(PROGRAM)

$(PROGRAM): $(O)/obj/src/main.o $(LIBS_ALL)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(STORE_LIBS) $(BASE_LIBS)

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
	$(call unit_cc,$(INC_api),$(LIB_api) $(LIB_base),$(BASE_LIBS))
$(TESTS_store): $(O)/tests/store/%: tests/store/%.c $(LIB_store) $(LIB_base) | $(PUBLIC)
	$(call unit_cc,$(INC_store),$(LIB_store) $(LIB_base),$(STORE_LIBS) $(BASE_LIBS))
$(TESTS_src): $(O)/tests/%: tests/%.c $(LIBS_ALL) | $(PUBLIC)
	$(call unit_cc,$(INC_src),$(LIBS_ALL),$(STORE_LIBS) $(BASE_LIBS))
$(TESTS_sim): $(O)/tests/sim/unit/%: tests/sim/unit/%.c $(filter-out %/main.o,$(call objs,$(SRC_sim))) $(LIB_base) | $(PUBLIC)
	$(call unit_cc,$(MHD_CFLAGS) $(INC_base) -iquote tests/sim,$(filter-out %/main.o,$(call objs,$(SRC_sim))) $(LIB_base),$(MHD_LIBS) $(BASE_LIBS))

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

# ---- looking at the code ----

C_FILES = $(wildcard src/*.c src/base/*.c auth/*.c api/*.c \
          store/*.c tests/*/*.c tests/sim/unit/*.c)
SH_FILES = $(wildcard tests/*.sh) .ci/run

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

install: $(PROGRAM)
	mkdir -p $(DESTDIR)$(PREFIX)/bin
	install -m 0755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/icloud-pull

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/icloud-pull

clean:
	rm -rf $(O)

.PHONY: all clean install uninstall demo check check-built asan torture tidy \
	tidy-run tidy-base tidy-auth tidy-api tidy-store tidy-src format \
	build-deps check-deps tidy-deps unit-base unit-auth unit-api \
	unit-store unit-src unit-sim
-include $(shell find $(O) -name '*.d' 2>/dev/null)
