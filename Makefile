# ccrun - run Claude Code on any provider, with the key in no file and no environment.
#
#   make            build into build/            make run     try it with a throw-away key
#   make test       the whole suite              make deps    install what build and tests need
#   make install PREFIX=~/.local                 make bench   the speed ratios
#   make deb        Debian's packages, into build/deb/RELEASE   make dist   a release's tarball
#   make test-build   what the tests run, into build-test/ (mk/tests.mk)
#   make lint, floors, format, analyse, tsan, coverage   CONTRIBUTING.md says what they look at
#   make attack, torture, load, mixtures, fuzz, fuzz-protocol, mutate, long
#                   minutes to hours each; docs/RELIABILITY.md
#   make package-test, vm-test, arm64-test       as root: packages and machines of Debian 12 and 13
#   make help       this page
#
# BUILD=dir builds elsewhere, SANITIZE=1 with ASan and UBSan, MUSL= without musl,
# HELPERS= without the programs that need a heavy library.

VERSION  := 0.1.0
PREFIX   ?= /usr/local
# bash alone makes a home of the ~ in PREFIX=~/.local: zsh, fish and dash leave it as it is.
override PREFIX := $(patsubst ~/%,$(HOME)/%,$(PREFIX))
DESTDIR  ?=
BUILD    ?= build
CC       ?= cc
SANITIZE ?=
HELPERS  ?= keyring tpm2 logind usage ask source relay

OBJ     := $(BUILD)/obj
BIN     := $(BUILD)/bin
LIBEXEC := $(BUILD)/libexec/ccrun
LIBDIR  := $(BUILD)/lib/ccrun
SHARE   := $(BUILD)/share/ccrun

# What every program may use (tools/rooms says what is in each folder).
rooms := base spec wire sandbox git json display start dial vault $(sort $(wildcard config/*))
src = $(sort $(wildcard $(1)/*.c))
objs = $(foreach r,$(1),$(patsubst %.c,$(OBJ)/%.o,$(call src,$(r))))
HOUSE := $(OBJ)/house.a

# Every program is linked twice: as it is shipped, and for the tests (mk/instead.mk).
include mk/instead.mk

LIBS_keyring := libsecret-1
LIBS_tpm2 := tss2-esys tss2-tctildr tss2-mu
LIBS_logind := libsystemd
LIBS_usage := libcurl jansson
LIBS_ask := libcurl jansson
LIBS_source := jansson inih
# What a helper has besides the house.
ROOMS_ask := reach
helpers := $(patsubst %,$(LIBEXEC)/ccrun-%,$(HELPERS))
programs := $(addprefix $(BIN)/,ccrun ccctl ccrun-statusline) $(LIBEXEC)/ccbroker $(LIBEXEC)/ccrun-import \
	$(LIBDIR)/libccrun.so $(helpers)

inside := $(addprefix $(LIBEXEC)/,inside/claude inside/wrap $(addprefix confined/,sudo su doas pkexec))
presets := $(patsubst share/%,$(SHARE)/%,$(wildcard share/providers/*.conf share/sources/*.conf))
# Unit templates: ccctl login fills them in, and so does a root's install.
login_files := $(wildcard share/systemd/*/* share/autostart/*)
templates := $(patsubst share/%,$(SHARE)/%,$(login_files))

.PHONY: all
all: $(programs) $(inside) $(presets) $(templates)

# The page above is the help.
.PHONY: help
help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

include mk/flags.mk

# Before the first compiler: a machine without one says "cc: not found", and not what to do.
$(OBJ)/.asked:
	@mkdir -p $(@D)
	@tools/need build && touch $@ || \
		echo 'hint: on Debian and Ubuntu, make deps FOR=build installs these'

$(OBJ)/%.o: %.c | $(OBJ)/.asked
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(CFLAGS_ALL) $(FOREIGN) -MMD -MP -c -o $@ $<

# archive: a program takes of it what it uses.
archive = @rm -f $@; ar rcs $@ $^

# link KIND,LIBRARIES: KIND is -pie or -static-pie.
define link
@mkdir -p $(@D)
@echo '  LINK  $@'
@$(CC) $(CFLAGS_ALL) $(1) -o $@ $^ $(LDFLAGS_ALL) $(WRAP) $(2)
endef

# A filter that is compiled once, here, and not with each launch.  Its generator runs now, so it
# is made for the machine that builds; it writes for the one that the programs are made for.
FILTER := $(OBJ)/generated/session_filter
generator := $(patsubst %.c,$(OBJ)/native/%.o,$(call src,sandbox/generate) sandbox/seccomp_filter.c base/fail.c base/shell_word.c base/utf8.c)
$(OBJ)/native/%.o: %.c
	@mkdir -p $(@D)
	@echo '  BUILD $<'
	@$(BUILD_CC) -std=gnu11 -O1 $(WARN) $(DEFINES) -MMD -MP -c -o $@ $<

$(FILTER): $(generator)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(BUILD_CC) -o $@ $^ $(if $(NATIVE),$(LDFLAGS)) -lseccomp

$(FILTER).c: $(FILTER)
	@$< $(MACHINE) >$@.new && mv $@.new $@

$(OBJ)/sandbox/session_filter.o: $(FILTER).c sandbox/session_filter.h
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(CFLAGS_ALL) -c -o $@ $<

# Which variables open a password manager: of the files of share/sources.
MANAGERS := $(OBJ)/generated/manager_variables
$(MANAGERS).c: tools/manager-variables $(wildcard share/sources/*.conf)
	@mkdir -p $(@D)
	@tools/manager-variables >$@.new && mv $@.new $@

$(OBJ)/config/provider/manager_variables.o: $(MANAGERS).c config/provider/manager_variables.h
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(CFLAGS_ALL) -c -o $@ $<

# The table of what people type, as text for tools/docs.
SPEC := $(OBJ)/generated/spec
$(SPEC): $(call objs,spec/print spec)
	$(call link,-pie)

house_objs := $(call objs,$(rooms)) $(OBJ)/sandbox/session_filter.o $(OBJ)/config/provider/manager_variables.o
$(HOUSE): $(house_objs)
$(TEST_HOUSE): $(call instead,$(OBJ),$(house_objs)) $(OBJ)/$(allocator)
$(HOUSE) $(TEST_HOUSE):
	$(archive)

include mk/musl.mk

client_libs := -lsodium $(MSGPACK_LIB) -linih -ljansson -lutf8proc
ccctl := $(call objs,client client/common client/facts client/doctor client/slots client/login client/statusline)
$(BIN)/ccctl: $(ccctl) $(HOUSE)
$(TEST)/bin/ccctl: $(call instead,$(OBJ),$(ccctl)) $(TEST_HOUSE)
# Static, so that no variable has a library loaded into what asks for passphrases.
$(BIN)/ccctl $(TEST)/bin/ccctl:
	$(call link,$(STATIC),$(client_libs))

# What ccctl import runs; it has the client's calls to the broker and its questions.
$(OBJ)/client-common.a: $(call objs,client/common)
	$(archive)

import := $(call objs,import) $(OBJ)/client-common.a
$(LIBEXEC)/ccrun-import: $(import) $(HOUSE)
$(TEST_LIBEXEC)/ccrun-import: $(import) $(TEST_HOUSE)
$(LIBEXEC)/ccrun-import $(TEST_LIBEXEC)/ccrun-import:
	$(call link,-pie,$(client_libs) -lseccomp -lsqlite3)

broker_libs := -lsodium $(MSGPACK_LIB) -lseccomp
$(LIBEXEC)/ccbroker: $(call objs,broker) $(HOUSE)
$(TEST_LIBEXEC)/ccbroker: $(call objs,broker) $(TEST_HOUSE)
$(LIBEXEC)/ccbroker $(TEST_LIBEXEC)/ccbroker:
	$(call link,$(STATIC),$(broker_libs))

# Deferred (=): only inside the rule does $* say which helper it is.
$(OBJ)/helpers/%.o: FOREIGN = $(shell $(PKG_CONFIG) --cflags $(LIBS_$(word 2,$(subst /, ,$*))) 2>/dev/null | sed 's/-I/-isystem /g')

$(OBJ)/reach/%.o $(OBJ)/relay/%.o: FOREIGN = $(shell $(PKG_CONFIG) --cflags libcurl libssl 2>/dev/null | sed 's/-I/-isystem /g')

$(LIBEXEC)/ccrun-relay: $(call objs,relay reach) $(HOUSE)
$(TEST_LIBEXEC)/ccrun-relay: $(call objs,relay reach) $(TEST_HOUSE)
$(LIBEXEC)/ccrun-relay $(TEST_LIBEXEC)/ccrun-relay:
	$(call link,-pie,$(MSGPACK_LIB) -lsodium -lseccomp -pthread $(shell $(PKG_CONFIG) --libs libcurl libssl libcrypto))

# What a session finds first in PATH: ccrun by other names.
$(inside): $(BIN)/ccrun
$(call for_tests,$(inside)): $(TEST)/bin/ccrun
$(inside) $(call for_tests,$(inside)):
	@install -d -m 755 $(@D)
	@ln -sfn ../../../bin/ccrun $@

.SECONDARY:
.SECONDEXPANSION:
link_helper = $(call link,-pie,-lseccomp $(if $(filter logind usage source,$*),$(MSGPACK_LIB)) \
	$(if $(filter usage,$*),-lsodium -pthread) $(shell $(PKG_CONFIG) --libs $(LIBS_$*)))
$(LIBEXEC)/ccrun-%: $$(call objs,helpers/$$* helpers $$(ROOMS_$$*)) $(HOUSE)
	$(link_helper)

$(TEST_LIBEXEC)/ccrun-%: $$(call instead,$(OBJ),$$(call objs,helpers/$$* helpers $$(ROOMS_$$*))) $(TEST_HOUSE)
	$(link_helper)

# Never with a sanitizer: it is loaded into programs that are built without.
library := $(call src,shim/preload)
$(LIBDIR)/libccrun.so: $(library) base/control.c
$(TEST)/lib/ccrun/libccrun.so: $(library) tests/instead/base/control.c
$(LIBDIR)/libccrun.so $(TEST)/lib/ccrun/libccrun.so: wire/claim.h base/control.h $(wildcard shim/preload/*.h)
	@install -d -m 755 $(@D)
	@echo '  LINK  $@'
	@$(CC) -std=gnu11 -fPIC -shared -O2 -g $(WARN) -fstack-protector-strong -fvisibility=hidden $(INIT) \
		$(BRANCHES) $(DEFINES) $(CFLAGS) -o $@ $(filter %.c,$^) $(LDFLAGS_ALL)
	@chmod go-w $@

# Copies, not links: in a checkout made with umask 002 the files are open to a
# group, and ccrun refuses configuration and a library that others can write.
define copy
@install -d -m 755 $(@D)
@install -m 644 $< $@
endef
$(SHARE)/%: share/%
	$(copy)

$(TEST)/share/ccrun/%: share/%
	$(copy)

include mk/tests.mk mk/checks.mk mk/install.mk

.PHONY: deps run deb dist clean
deps:
	@tools/deps $(FOR)

run:
	@tools/need build run >/dev/null || tools/deps build run
	@$(MAKE) --no-print-directory all
	@tools/run $(PROVIDER)

# Debian's packages, into build/deb/RELEASE (docs/PACKAGING.md).
deb:
	@tools/need build deb >/dev/null || tools/deps build deb
	@tools/deb $(ARCH)

# A release's tarball, into build/dist; KEY=file: signed by that ssh key.
dist:
	@tools/dist $(KEY)

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-clang $(BUILD)-old $(BUILD)-old-test $(TEST)

-include $(wildcard $(OBJ)/*.d $(OBJ)/*/*.d $(OBJ)/*/*/*.d $(OBJ)/*/*/*/*.d $(OBJ)/*/*/*/*/*.d)
