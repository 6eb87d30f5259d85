# What the compiler and the linker are told, and where the libraries are.

# The machine that the programs are made for: x86_64, aarch64.
MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
# What makes a program that runs while this is built: in a cross build not CC.
NATIVE := $(filter $(MACHINE),$(shell uname -m))
BUILD_CC ?= $(if $(NATIVE),$(CC) $(CFLAGS),cc)

PKG_CONFIG ?= pkg-config
# Debian 12 names msgpack-c's pkg-config file msgpack, Debian 13 msgpack-c.
MSGPACK := $(shell $(PKG_CONFIG) --exists msgpack-c 2>/dev/null && echo msgpack-c || echo msgpack)
MSGPACK_LIB := $(or $(strip $(shell $(PKG_CONFIG) --libs-only-l $(MSGPACK) 2>/dev/null)),-lmsgpackc)
SYSINC := $(or $(shell $(PKG_CONFIG) --variable=includedir inih 2>/dev/null),/usr/include)
SYSLIB := $(or $(shell $(PKG_CONFIG) --variable=libdir inih 2>/dev/null),/usr/lib)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wformat=2 -Wvla -Werror
# works FLAGS: the flags, if this compiler knows them.
works = $(shell echo 'int main(void){return 0;}' | $(CC) -Werror $(1) -x c -o /dev/null - 2>/dev/null && echo $(1))
comma := ,
# Uninitialised locals start as zero; clang 14 only knows the pattern variant.
INIT := $(or $(call works,-ftrivial-auto-var-init=zero),$(call works,-ftrivial-auto-var-init=pattern))
# x86's, or arm64's: where a jump may lead.
BRANCHES := $(or $(call works,-fcf-protection),$(call works,-mbranch-protection=standard))
HARDEN := -fstack-protector-strong $(INIT) $(BRANCHES)
LDHARDEN := -Wl,-z,relro,-z,now -Wl,-z,noexecstack
DEFINES := -D_GNU_SOURCE -DCCRUN_VERSION='"$(VERSION)"' -I.
ifeq ($(SANITIZE),)
# The directory it was built in is in no program: two builds are the same bytes.
OPT := -O2 -g $(call works,-ffile-prefix-map=$(CURDIR)=.)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
STATIC := -static-pie
else
OPT := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all $(if $(filter thread,$(SANITIZE)), \
	-fsanitize=thread,-fsanitize=address$(comma)undefined \
	$(call works,-fsanitize=address$(comma)fuzzer-no-link))
STATIC :=
endif
# The caller's flags come last, so that a distribution's own win.
CFLAGS ?=
CFLAGS_ALL := -std=gnu11 -fPIE $(OPT) $(WARN) $(HARDEN) $(DEFINES) $(CFLAGS)
LDFLAGS_ALL := $(LDHARDEN) $(LDFLAGS)
