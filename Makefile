# ccrun - run Claude Code on any provider, with the key in no file and no environment.
#
#   make            build into build/            make run     try it with a throw-away key
#   make test       the whole suite              make deps    install what build and tests need
#   make install PREFIX=~/.local                 make bench   the speed ratios
#   make debian13   build and run the unit tests on Debian 13, in a chroot (as root)
#
# Everything is built from one tree of rooms; a file includes only lower floors
# (make floors).  BUILD=dir builds elsewhere, SANITIZE=1 with ASan and UBSan.

VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
BUILD    ?= build
CC       ?= cc
SANITIZE ?=

PKG_CONFIG ?= pkg-config
# Debian 12 names msgpack-c's pkg-config file msgpack, Debian 13 msgpack-c.
MSGPACK := $(shell $(PKG_CONFIG) --exists msgpack-c 2>/dev/null && echo msgpack-c || echo msgpack)
MSGPACK_LIB := $(or $(strip $(shell $(PKG_CONFIG) --libs-only-l $(MSGPACK) 2>/dev/null)),-lmsgpackc)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wformat=2 -Wvla -Werror
# Uninitialised locals start as zero; clang 14 only knows the pattern variant.
works = $(shell echo 'int main(void){return 0;}' | $(CC) -Werror $(1) -x c -o /dev/null - 2>/dev/null && echo $(1))
comma := ,
INIT := $(or $(call works,-ftrivial-auto-var-init=zero),$(call works,-ftrivial-auto-var-init=pattern))
HARDEN := -fstack-protector-strong $(INIT) $(call works,-fcf-protection)
DEFINES := -D_GNU_SOURCE -DCCRUN_VERSION='"$(VERSION)"' -I.
OPT := -O2 -g
LDHARDEN := -Wl,-z,relro,-z,now -Wl,-z,noexecstack
ifeq ($(SANITIZE),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
STATIC := -static-pie
else
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
	$(call works,-fsanitize=address$(comma)fuzzer-no-link)
STATIC :=
endif
CFLAGS ?=
CFLAGS_ALL := -std=gnu11 -fPIE $(OPT) $(WARN) $(HARDEN) $(DEFINES) $(CFLAGS)
# The caller's CFLAGS come last, so that a distribution's own flags win.
LDFLAGS_ALL := $(LDHARDEN) $(LDFLAGS)

OBJ := $(BUILD)/obj
SYSINC := $(or $(shell $(PKG_CONFIG) --variable=includedir inih 2>/dev/null),/usr/include)
SYSLIB := $(or $(shell $(PKG_CONFIG) --variable=libdir inih 2>/dev/null),/usr/lib)
rooms := base wire json display start dial vault config/ini config/provider config/source config/project config/settings
src = $(sort $(wildcard $(1)/*.c))
objs = $(patsubst %.c,$(OBJ)/%.o,$(call src,$(1)))
HOUSE := $(OBJ)/house.a

BIN := $(BUILD)/bin
LIBEXEC := $(BUILD)/libexec/ccrun
LIBDIR := $(BUILD)/lib/ccrun
SHARE := $(BUILD)/share/ccrun

# Each heavy library has a program of its own (make HELPERS= leaves them out).
HELPERS ?= keyring tpm2 logind usage source
LIBS_keyring := libsecret-1
LIBS_tpm2 := tss2-esys tss2-tctildr tss2-mu
LIBS_logind := libsystemd
LIBS_usage := libcurl jansson
LIBS_source := jansson inih
helpers := $(patsubst %,$(LIBEXEC)/ccrun-%,$(HELPERS))

programs := $(BIN)/ccrun $(BIN)/ccctl $(BIN)/ccrun-statusline $(LIBEXEC)/ccbroker $(LIBEXEC)/ccrun-import \
	$(LIBDIR)/libccrun.so $(helpers)
presets := $(patsubst share/%,$(SHARE)/%,$(wildcard share/providers/*.conf share/sources/*.conf))
# Unit templates: ccctl login fills them in, and so does a root's install.
login_files := $(wildcard share/systemd/*/* share/autostart/*)
templates := $(patsubst share/%,$(SHARE)/%,$(login_files))

.PHONY: all
all: $(programs) $(presets) $(templates)

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(CFLAGS_ALL) $(FOREIGN) -MMD -MP -c -o $@ $<

$(HOUSE): $(foreach r,$(rooms),$(call objs,$(r)))
	@rm -f $@
	@ar rcs $@ $^

# ccrun starts before every launch and the status line after every message, and half
# of a static glibc program's start is glibc's own (it asks the processor for its
# caches, which traps in a virtual machine).  So both are linked with musl where
# musl-gcc is there.  It pays for these lines: make bench ROWS=launch allows 2.5 times
# a bare spawn; fastest of 400 launches, three runs on a 2-core virtual machine:
# 2.25 to 2.31 with musl (1.2 ms), 2.73 to 3.01 with MUSL= (1.4 to 1.5 ms).
# Debian's static libraries need nothing of glibc's but the few names in base/musl/.
# (-Wconversion trips over macros in musl's headers; the same files are compiled with
# it for glibc.)
MUSL ?= $(if $(SANITIZE),,$(shell command -v musl-gcc 2>/dev/null))
ifeq ($(MUSL),)
$(BIN)/ccrun: $(call objs,shim) $(HOUSE)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(CFLAGS_ALL) $(STATIC) -o $@ $^ $(LDFLAGS_ALL) $(MSGPACK_LIB) -linih

$(BIN)/ccrun-statusline: $(call objs,statusline) $(HOUSE)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(CFLAGS_ALL) $(STATIC) -o $@ $^ $(LDFLAGS_ALL) $(MSGPACK_LIB) -linih -ljansson -lutf8proc
else
musl_objs = $(patsubst %.c,$(OBJ)/musl/%.o,$(call src,$(1)))
MUSLHOUSE := $(call musl_objs,base/musl) $(OBJ)/musl/house.a
MUSLINC := $(OBJ)/musl-include
# musl-gcc knows no -static-pie: its start file for that is named by hand.
MUSLLIB := $(shell sed -n 's|.*-specs "\(.*\)/musl-gcc.specs".*|\1|p' $(MUSL))
MUSLHEADERS := $(addprefix $(MUSLINC)/,msgpack msgpack.h ini.h jansson.h jansson_config.h utf8proc.h)
$(MUSLHEADERS):
	@mkdir -p $(@D)
	@p=$$(ls -d $(SYSINC)/$(@F) $(SYSINC)/*/$(@F) 2>/dev/null | head -n 1); ln -sfn $$p $@

$(OBJ)/musl/%.o: %.c | $(MUSLHEADERS)
	@mkdir -p $(@D)
	@echo '  MUSL  $<'
	@$(MUSL) -std=gnu11 -fPIE $(OPT) $(filter-out -Wconversion,$(WARN)) -fstack-protector-strong -ftrivial-auto-var-init=zero \
		$(DEFINES) -isystem $(MUSLINC) -MMD -MP -c -o $@ $<

$(OBJ)/musl/house.a: $(foreach r,$(filter-out vault json,$(rooms)),$(call musl_objs,$(r)))
	@rm -f $@
	@ar rcs $@ $^

define link_musl
@mkdir -p $(@D)
@echo '  LINK  $@'
@$(MUSL) -nostartfiles -static -Wl,-pie,--no-dynamic-linker,-z,text -o $@ \
	$(MUSLLIB)/rcrt1.o $(MUSLLIB)/crti.o $^ $(LDHARDEN) \
	$(MSGPACK_LIB:-l%=$(SYSLIB)/lib%.a) $(SYSLIB)/libinih.a $(1) -lc $(MUSLLIB)/crtn.o
endef

$(BIN)/ccrun: $(call musl_objs,shim) $(MUSLHOUSE)
	$(call link_musl)

$(BIN)/ccrun-statusline: $(call musl_objs,statusline) $(MUSLHOUSE)
	$(call link_musl,$(SYSLIB)/libjansson.a $(SYSLIB)/libutf8proc.a)
endif

$(BIN)/ccctl: $(foreach r,client client/common client/slots client/login client/statusline,$(call objs,$(r))) $(HOUSE)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(CFLAGS_ALL) -pie -o $@ $^ $(LDFLAGS_ALL) -lsodium $(MSGPACK_LIB) -linih -ljansson -lutf8proc

# What ccctl import runs: it shares the client's calls and questions, and takes of
# them what it uses.
CLIENT_COMMON := $(OBJ)/client-common.a
$(CLIENT_COMMON): $(call objs,client/common)
	@rm -f $@
	@ar rcs $@ $^

$(LIBEXEC)/ccrun-import: $(call objs,import) $(CLIENT_COMMON) $(HOUSE)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(CFLAGS_ALL) -pie -o $@ $^ $(LDFLAGS_ALL) -lsodium $(MSGPACK_LIB) -linih -ljansson -lutf8proc

$(LIBEXEC)/ccbroker: $(call objs,broker) $(HOUSE)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(CFLAGS_ALL) $(STATIC) -o $@ $^ $(LDFLAGS_ALL) -lsodium $(MSGPACK_LIB) -lseccomp

# Deferred (=): only inside the rule does $* say which helper it is.
$(OBJ)/helpers/%.o: FOREIGN = $(shell $(PKG_CONFIG) --cflags $(LIBS_$(word 2,$(subst /, ,$*))) 2>/dev/null | sed 's/-I/-isystem /g')

.SECONDARY:
.SECONDEXPANSION:
$(LIBEXEC)/ccrun-%: $$(call objs,helpers/$$*) $(call objs,helpers) $(HOUSE)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(CFLAGS_ALL) -pie -o $@ $^ $(LDFLAGS_ALL) $(if $(filter logind usage source,$*),$(MSGPACK_LIB)) \
		$(if $(filter usage,$*),-lsodium -pthread) $(shell $(PKG_CONFIG) --libs $(LIBS_$*))

# The library is never built with a sanitizer: it is loaded into programs that are not.
$(LIBDIR)/libccrun.so: $(call src,shim/preload) wire/claim.h $(wildcard shim/preload/*.h)
	@install -d -m 755 $(@D)
	@echo '  LINK  $@'
	@$(CC) -std=gnu11 -fPIC -shared -O2 -g $(WARN) -fstack-protector-strong -fvisibility=hidden \
		$(INIT) $(call works,-fcf-protection) $(DEFINES) $(CFLAGS) \
		-o $@ $(call src,shim/preload) $(LDFLAGS_ALL)
	@chmod go-w $@

# Copies, not links: in a checkout made with umask 002 the files are open to a
# group, and ccrun refuses configuration and a library that others can write.
$(SHARE)/%: share/%
	@install -d -m 755 $(@D)
	@install -m 644 $< $@

include mk/tests.mk

.PHONY: floors lint deps debian13 run install uninstall clean

# Which file includes which, from the compiler: a room includes only lower floors.
floors:
	@CC="$(CC)" tools/floors

# Man pages are linted, shell scripts parsed.
lint:
	@tools/lint

deps:
	@tools/deps

# As root: the build and the unit tests on Debian 13, in a chroot.
debian13:
	@tools/debian13

run:
	@tools/need build run >/dev/null || tools/deps build run
	@$(MAKE) --no-print-directory all
	@tools/run $(PROVIDER)

# ---- installation ----
D := $(DESTDIR)$(PREFIX)
# What cannot be read is undumpable from its first instruction, so that nobody
# reads or changes a program between its start and its own hardening.  Root's
# programs can stay writable for root, and nobody else replaces them.
MODE := $(if $(filter 0,$(shell id -u)),711,111)

# Where systemd looks for units: an install into any other PREFIX has only the
# templates, and every user may say ccctl login enable.
units := $(if $(filter /usr /usr/local,$(PREFIX)),$(wildcard share/systemd/user/*.in share/systemd/system/*.in))
conf := $(if $(units),$(wildcard share/systemd/sysusers.d/* share/systemd/tmpfiles.d/*))
unit_path = lib/systemd/$(patsubst share/systemd/%.in,%,$(1))
conf_path = lib/$(patsubst share/systemd/%,%,$(1))

define install_unit
@echo '  UNIT  $(D)/$(call unit_path,$(1))'
@sed 's|@BIN@|$(PREFIX)/bin|g; s|@LIBEXEC@|$(PREFIX)/libexec/ccrun|g' $(1) | \
	install -D -m 644 /dev/stdin "$(D)/$(call unit_path,$(1))"

endef

install: all
	install -d "$(D)/bin" "$(D)/libexec/ccrun" "$(D)/lib/ccrun" "$(D)/share/ccrun/providers" \
		"$(D)/share/ccrun/sources" \
		"$(D)/share/man/man1" "$(D)/share/man/man5" "$(D)/share/man/man8"
	install -m $(MODE) $(BIN)/ccrun $(BIN)/ccctl $(BIN)/ccrun-statusline "$(D)/bin/"
	install -m $(MODE) $(LIBEXEC)/ccbroker $(LIBEXEC)/ccrun-import $(helpers) "$(D)/libexec/ccrun/"
	install -m 755 $(LIBDIR)/libccrun.so "$(D)/lib/ccrun/"
	install -m 644 share/providers/*.conf "$(D)/share/ccrun/providers/"
	install -m 644 share/sources/*.conf "$(D)/share/ccrun/sources/"
	for f in $(login_files); do install -D -m 644 $$f "$(D)/share/ccrun/$${f#share/}" || exit 1; done
	install -m 644 man/*.1 "$(D)/share/man/man1/"
	install -m 644 man/*.5 "$(D)/share/man/man5/"
	install -m 644 man/*.8 "$(D)/share/man/man8/"
	$(foreach u,$(units),$(call install_unit,$(u)))
	$(if $(conf),for f in $(conf); do install -D -m 644 $$f "$(D)/lib/$${f#share/systemd/}" || exit 1; done)
# With PREFIX=~/.local that directory is also the home of your vault, which is private.
	@[ "$(D)/share" != "$${XDG_DATA_HOME:-$$HOME/.local/share}" ] || chmod 700 "$(D)/share/ccrun"
	@[ "$$(id -u)" = 0 ] || echo 'note: installed as you, so a session can replace these programs; installed as root it cannot'
	@[ "$$(id -u)" != 0 ] || [ -n "$(DESTDIR)" ] || tools/system setup "$(PREFIX)"

# A broker that runs would keep its keys, and nothing would be left to lock it with.
uninstall:
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" = 0 ] || "$(D)/bin/ccctl" lock 2>/dev/null || :
	@[ "$$(id -u)" != 0 ] || [ -n "$(DESTDIR)" ] || tools/system remove
	rm -f "$(D)/bin/ccrun" "$(D)/bin/ccctl" "$(D)/bin/ccrun-statusline" "$(D)/libexec/ccrun/ccbroker" "$(D)"/libexec/ccrun/ccrun-* "$(D)/lib/ccrun/libccrun.so"
	for f in share/providers/*.conf; do rm -f "$(D)/share/ccrun/providers/$${f##*/}"; done
	for f in share/sources/*.conf; do rm -f "$(D)/share/ccrun/sources/$${f##*/}"; done
	for f in $(login_files); do rm -f "$(D)/share/ccrun/$${f#share/}"; done
	for s in 1 5 8; do for f in man/*.$$s; do rm -f "$(D)/share/man/man$$s/$${f##*/}"; done; done
	$(if $(units),rm -f $(foreach u,$(units),"$(D)/$(call unit_path,$(u))") $(foreach f,$(conf),"$(D)/$(call conf_path,$(f))"))
	@for d in libexec/ccrun lib/ccrun $(addprefix share/ccrun/,$(patsubst share/%,%,$(sort $(dir $(login_files))))) \
		share/ccrun/systemd share/ccrun/providers share/ccrun/sources share/ccrun; do rmdir "$(D)/$$d" 2>/dev/null || :; done
	@[ "$$(id -u)" != 0 ] || [ -n "$(DESTDIR)" ] || tools/system reload
	@echo 'note: a broker of yours that runs is locked and goes on until it is ended (pgrep ccbroker); your vault stays'

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-clang $(BUILD)-clock

-include $(wildcard $(OBJ)/*.d $(OBJ)/*/*.d $(OBJ)/*/*/*.d $(OBJ)/*/*/*/*.d)
