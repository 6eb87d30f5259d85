# The two programs that start all the time: static, with musl where it is there.
#
# ccrun starts before every launch and the status line after every message, and half
# of a static glibc program's start is glibc's own (it asks the processor for its
# caches, which traps in a virtual machine).  So both are linked with musl where
# musl-gcc is there.  It pays for these lines in make bench ROWS=launch: fastest of 400
# launches to a bare spawn, three runs on a 2-core virtual machine, 2.25 to 2.31 with musl
# (1.2 ms), 2.73 to 3.01 with MUSL= (1.4 to 1.5 ms).
# Debian's static libraries need nothing of glibc's but the few names in base/musl/.
# (-Wconversion trips over macros in musl's headers; the same files are compiled with
# it for glibc.)
#
# musl-gcc is gcc with a specs file, and makes programs for the machine it runs on.  For another,
# Debian's musl-dev of that architecture has such a file, too.
musl_gcc := $(shell command -v musl-gcc 2>/dev/null)
musl_specs := $(wildcard /usr/lib/$(MACHINE)-linux-musl/musl-gcc.specs)
MUSL ?= $(if $(SANITIZE),,$(if $(filter $(MACHINE)-%,$(if $(musl_gcc),$(shell $(musl_gcc) -dumpmachine))),$(musl_gcc),$(if \
	$(musl_specs),$(MACHINE)-linux-gnu-gcc -specs $(musl_specs))))
# A blank is no compiler: sed, below, would be without a file, and read the terminal for ever.
ifeq ($(strip $(MUSL)),)
$(BIN)/ccrun: $(call objs,shim) $(HOUSE)
$(TEST)/bin/ccrun: $(call objs,shim) $(TEST_HOUSE)
$(BIN)/ccrun $(TEST)/bin/ccrun:
	$(call link,$(STATIC),$(MSGPACK_LIB) -linih -ljansson)

$(BIN)/ccrun-statusline: $(call objs,statusline) $(HOUSE)
$(TEST)/bin/ccrun-statusline: $(call objs,statusline) $(TEST_HOUSE)
$(BIN)/ccrun-statusline $(TEST)/bin/ccrun-statusline:
	$(call link,$(STATIC),$(MSGPACK_LIB) -linih -ljansson -lutf8proc)
else
musl_objs = $(foreach r,$(1),$(patsubst %.c,$(OBJ)/musl/%.o,$(call src,$(r))))
# Of sandbox/ what needs no libseccomp.
musl_house := $(call musl_objs,$(filter-out vault json sandbox,$(rooms))) \
	$(addprefix $(OBJ)/musl/sandbox/,filter_load.o landlock.o session_filter.o) \
	$(OBJ)/musl/config/provider/manager_variables.o
MUSLHOUSE := $(call musl_objs,base/musl) $(OBJ)/musl/house.a
TEST_MUSLHOUSE := $(call musl_objs,base/musl) $(OBJ)/musl/house-test.a
MUSLINC := $(OBJ)/musl-include
# musl-gcc knows no -static-pie: its start file for that is named by hand.
MUSLLIB := $(patsubst %/musl-gcc.specs,%,$(or $(filter %/musl-gcc.specs,$(MUSL)), \
	$(shell sed -n 's|.*-specs "\(.*/musl-gcc.specs\)".*|\1|p' $(MUSL))))
MUSLHEADERS := $(addprefix $(MUSLINC)/,msgpack msgpack.h ini.h jansson.h jansson_config.h utf8proc.h)
$(MUSLHEADERS):
	@mkdir -p $(@D)
	@ln -sfn $(firstword $(wildcard $(addsuffix /$(@F),$(SYSINC) $(SYSINC)/$(MACHINE)-linux-gnu $(SYSINC)/*))) $@

$(OBJ)/musl/%.o: %.c | $(MUSLHEADERS)
	@mkdir -p $(@D)
	@echo '  MUSL  $<'
	@$(MUSL) -std=gnu11 -fPIE $(OPT) $(filter-out -Wconversion,$(WARN)) -fstack-protector-strong -ftrivial-auto-var-init=zero \
		$(DEFINES) -isystem $(MUSLINC) -MMD -MP -c -o $@ $<

$(OBJ)/musl/sandbox/session_filter.o: $(FILTER).c sandbox/session_filter.h
	@mkdir -p $(@D)
	@echo '  MUSL  $<'
	@$(MUSL) -std=gnu11 -fPIE $(OPT) $(DEFINES) -c -o $@ $<

$(OBJ)/musl/config/provider/manager_variables.o: $(MANAGERS).c config/provider/manager_variables.h
	@mkdir -p $(@D)
	@echo '  MUSL  $<'
	@$(MUSL) -std=gnu11 -fPIE $(OPT) $(DEFINES) -c -o $@ $<

$(OBJ)/musl/house.a: $(musl_house)
$(OBJ)/musl/house-test.a: $(call instead,$(OBJ)/musl,$(musl_house)) $(OBJ)/musl/$(allocator)
$(OBJ)/musl/house.a $(OBJ)/musl/house-test.a:
	$(archive)

define link_musl
@mkdir -p $(@D)
@echo '  LINK  $@'
@$(MUSL) -nostartfiles -static -Wl,-pie,--no-dynamic-linker,-z,text,--build-id -o $@ \
	$(MUSLLIB)/rcrt1.o $(MUSLLIB)/crti.o $^ $(LDHARDEN) $(WRAP) \
	$(MSGPACK_LIB:-l%=$(SYSLIB)/lib%.a) $(SYSLIB)/libinih.a $(1) -lc $(MUSLLIB)/crtn.o
endef

$(BIN)/ccrun: $(call musl_objs,shim) $(MUSLHOUSE)
$(TEST)/bin/ccrun: $(call musl_objs,shim) $(TEST_MUSLHOUSE)
$(BIN)/ccrun $(TEST)/bin/ccrun:
	$(call link_musl,$(SYSLIB)/libjansson.a)

$(BIN)/ccrun-statusline: $(call musl_objs,statusline) $(MUSLHOUSE)
$(TEST)/bin/ccrun-statusline: $(call musl_objs,statusline) $(TEST_MUSLHOUSE)
$(BIN)/ccrun-statusline $(TEST)/bin/ccrun-statusline:
	$(call link_musl,$(SYSLIB)/libjansson.a $(SYSLIB)/libutf8proc.a)
endif
