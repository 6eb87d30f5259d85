# The tests' programs, and the targets that run them.  tests/README.md says what
# lies where; tools/test is the suite.

# ---- unit tests, benchmarks ----
# A program's name is its file's: build/tests/test_wire from tests/wire/test_wire.c.
# show_git prints what the reader of .git sees, for test_git_reader.py.
unit_src := $(sort $(wildcard tests/*/test_*.c)) tests/git/show_git.c $(wildcard tests/proofs/*.c)
bench_src := $(wildcard tests/bench/*.c)
fuzz_src := $(sort $(wildcard tests/fuzz/fuzz_*.c))
test_program = $(BUILD)/tests/$(basename $(notdir $(1)))
unit_bin := $(foreach s,$(unit_src),$(call test_program,$(s)))
bench_bin := $(foreach s,$(bench_src),$(call test_program,$(s)))
fuzz_bin := $(foreach s,$(fuzz_src),$(call test_program,$(s)))

# A test may look into these rooms of programs as well, at everything but main,
# and at what ccrun-usage does without the network, and ccrun-source without a manager.
unit_extra := $(filter-out %/main.o,$(call objs,broker) $(call objs,statusline)) \
	$(patsubst %.c,$(OBJ)/%.o,$(wildcard helpers/usage/answer*.c)) \
	$(patsubst %,$(OBJ)/helpers/usage/%.o,fetch_sandbox json_values usage_kind usage_result) \
	$(OBJ)/helpers/source/json_field.o $(OBJ)/helpers/helper_cage.o
# And into the readers of other people's files; an archive, so that a test gets what it uses.
IMPORT := $(OBJ)/import.a
$(IMPORT): $(filter-out %/main.o,$(call objs,import))
	$(archive)
# And at ccctl's questions.
CLIENT := $(OBJ)/client-common.a
# And at what may pass a relay, without the network.
RELAY := $(OBJ)/relay.a
$(RELAY): $(filter-out %/main.o,$(call objs,relay))
	$(archive)

test_libs := -lsodium $(MSGPACK_LIB) -linih -lseccomp -ljansson -lutf8proc -lsqlite3

# link_test SOURCE,FLAGS: one program's rule.
define link_test
$(call test_program,$(1)): $(1) $(HOUSE) $(IMPORT) $(CLIENT) $(RELAY) $(unit_extra)
	@mkdir -p $$(@D)
	@echo '  TEST  $$@'
	@$$(CC) $$(CFLAGS_ALL) -MMD -MP -MF $(OBJ)/$$(@F).test.d -o $$@ $$< $$(unit_extra) $$(IMPORT) $$(CLIENT) $$(RELAY) $$(HOUSE) \
		$$(LDFLAGS_ALL) $$(test_libs) $(2)

endef
$(eval $(foreach s,$(unit_src) $(bench_src),$(call link_test,$(s),-lcmocka)))
$(BUILD)/tests/bench_relay $(BUILD)/tests/bench_tls: test_libs += -lssl -lcrypto
# What a pair of connections is made of knows the provider's side.
$(BUILD)/tests/test_pair $(BUILD)/tests/test_pair_places: $(call objs,reach)
$(BUILD)/tests/test_pair $(BUILD)/tests/test_pair_places: test_libs += $(call objs,reach) -lcurl -lssl -lcrypto
$(BUILD)/tests/test_authorities: test_libs += -lcrypto
# What the kernel says of who listens is the test's own.
WRAPPED_test_compositor := sock_peer sock_peer_pidfd
$(BUILD)/tests/test_compositor: test_libs += $(call wrapped,tests/client/test_compositor.c)
# And whether a directory can be read to its end.
WRAPPED_test_source := readdir
$(BUILD)/tests/test_source: test_libs += $(call wrapped,tests/sources/test_source.c)
# libFuzzer is clang's.  Calls of these are the driver's own: what the kernel says, or memory that
# costs much to lock.
WRAPPED_fuzz_dispatch := clock_now_ms clock_wall peer_identify peer_check_alive peer_read_mark \
	peer_check_namespaces peer_check_private peer_check_hardened peer_check_confined proc_stat \
	proc_confined arena_verify witness_read_link relay_keeper_start_relay sock_recv sock_recv_no_fds epoll_wait
WRAPPED_fuzz_relay_channel := sock_recv io_wait
WRAPPED_fuzz_relay_body := upstream_recv
$(foreach d,import database files,$(eval WRAPPED_fuzz_$(d) := locked_map locked_unmap))
wrapped = $(foreach f,$(WRAPPED_$(basename $(notdir $(1)))),-Wl,--wrap=$(f))
$(eval $(foreach s,$(fuzz_src),$(call link_test,$(s),-fsanitize=fuzzer $(call wrapped,$(s)))))
$(BUILD)/tests/fuzz_relay_channel $(BUILD)/tests/fuzz_relay_body: $(call objs,reach)
$(BUILD)/tests/fuzz_relay_channel $(BUILD)/tests/fuzz_relay_body: test_libs += $(call objs,reach) \
	-lcurl -lssl -lcrypto
# And readers that no other test looks into: of a program, of the library.
$(BUILD)/tests/fuzz_files: $(OBJ)/helpers/ask/models_answer.o
$(BUILD)/tests/fuzz_files: test_libs += $(OBJ)/helpers/ask/models_answer.o
claim_readers := $(patsubst %,$(OBJ)/shim/preload/%.o,broker_messages refusal)
$(BUILD)/tests/fuzz_wire: $(claim_readers)
$(BUILD)/tests/fuzz_wire: test_libs += $(claim_readers)

# Tests of what has threads, of these objects alone: ThreadSanitizer's build is a small one.
threads_obj := $(call objs,base) $(patsubst %,$(OBJ)/client/common/%.o,terminal_input terminal_watch)
threads_bin := $(patsubst %,$(BUILD)/threads/%,test_progress test_terminal_input)
$(BUILD)/threads/test_progress: $(OBJ)/tests/base/test_progress.o
$(BUILD)/threads/test_terminal_input: $(OBJ)/tests/client/test_terminal_input.o
$(threads_bin): $(threads_obj)
	$(call link,-pie,-lcmocka)

# What kills and refuses, for the tests of it.
TRACER := $(BUILD)/tests/tracer
$(TRACER): $(OBJ)/tests/torture/tracer.o $(OBJ)/tests/torture/tracer_calls.o $(OBJ)/tests/torture/tracer_half.o
	$(call link,-pie,-lseccomp)

# ---- targets ----
.PHONY: tsan threads-build unit-build fuzz-build bench-build test-build test bench fuzz fuzz-protocol long attack mutate torture load mixtures package-test
unit-build: $(unit_bin) $(presets)
fuzz-build: $(fuzz_bin)
bench-build: $(bench_bin)
threads-build: $(threads_bin)

# What the end-to-end tests run (mk/instead.mk).
test-build: $(call for_tests,$(programs) $(inside) $(presets) $(templates)) $(SPEC) $(TRACER)

test:
	@tools/need build run test >/dev/null || tools/deps
	@tools/test

# ROWS="launch client broker statusline": these alone.
bench:
	@tools/need build run bench >/dev/null || tools/deps build run bench
	@$(MAKE) --no-print-directory all bench-build
	@tools/bench $(BUILD) $(ROWS)

# What takes minutes, or a download; as an ordinary user.  MINUTES=n: of a stream.  Then what
# calls the client and what it starts, with npm's newest.
long:
	@tools/need build run test >/dev/null || tools/deps
	@$(MAKE) --no-print-directory all test-build
	@CCRUN_CLAUDE="$$(tools/claude)" CCRUN_BUILD="$(CURDIR)/$(TEST)" \
		/usr/bin/python3 -m pytest -rs -p no:cacheprovider -m long tests
	@CCRUN_CLAUDE="$$(tools/claude newest)" CCRUN_SDK="$$(tools/sdk newest)" \
		CCRUN_BUILD="$(CURDIR)/$(TEST)" /usr/bin/python3 -m pytest -rs -p no:cacheprovider \
		tests/launch/test_client_callers.py tests/launch/test_client_children.py

# The agent's attacks, all of them (tests/attacks/matrix/): as root all columns, as an ordinary
# user those of the user's own broker.  ARGS="--columns user-relay --only vm-readv -v", --renew,
# --controls.
attack:
	@tools/need build run test >/dev/null || tools/deps
	@$(MAKE) --no-print-directory all test-build
	@CCRUN_CLAUDE="$$(tools/claude)" CCRUN_BUILD="$(CURDIR)/$(TEST)" \
		/usr/bin/python3 tests/attacks/matrix/run.py $(ARGS)

# Each condition of what decides is negated in turn: hours.  ARGS="--files broker/ticket.c".
mutate:
	@tools/need build run test mutate >/dev/null || tools/deps build run test mutate
	@tests/mutation/run.py $(ARGS)

# Every crash, loss of power and error in turn, as an ordinary user; ARGS="--only 'killed: put'",
# "--step 5"; moves between two brokers as root, "--only ': move'".  tests/torture/test_torture.py
# and test_torture_moves.py are the short form.
torture:
	@tools/need build run test >/dev/null || tools/deps
	@$(MAKE) --no-print-directory all test-build
	@CCRUN_BUILD="$(CURDIR)/$(TEST)" /usr/bin/python3 tests/torture/run.py $(ARGS)

# Crowds of clients, a thousand sessions, processes and providers that misbehave; ARGS="--only
# sessions".  tests/load/test_load.py is the short form.
load:
	@tools/need build run test >/dev/null || tools/deps
	@$(MAKE) --no-print-directory all test-build
	@CCRUN_BUILD="$(CURDIR)/$(TEST)" python3 tests/load/run.py $(ARGS)

# Older programs, built from the history (all of it is needed), with those of today, as an
# ordinary user.  tests/mixtures/test_o*.py, a part of the suite, have what those said.
mixtures:
	@tools/need build run test >/dev/null || tools/deps
	@$(MAKE) --no-print-directory all test-build
	@tests/mixtures/build "$(CURDIR)/build/mixtures"
	@CCRUN_CLAUDE="$$(tools/claude)" CCRUN_BUILD="$(CURDIR)/$(TEST)" CCRUN_MIXTURES="$(CURDIR)/build/mixtures" \
		CCRUN_KDF=fast python3 -m pytest -rs -p no:cacheprovider -m mixture tests/mixtures

# As root: the packages of Debian 12 and 13, built twice in chroots, cross-built for arm64, checked,
# and used on clean machines of both that systemd has booted.  Into build/deb/RELEASE, and the
# logs beside them.  A build that takes more than half an hour hangs.
package-test:
	@tools/need build run test >/dev/null || tools/deps build run test
	@mkdir -p $(BUILD)/deb
	@for what in "bookworm deb" "trixie deb" "bookworm deb arm64" "trixie deb arm64"; do \
		log="$(BUILD)/deb/$$(echo $$what | tr ' ' -).log"; \
		echo "  DEB   $$what"; \
		timeout 30m tools/debian $$what >"$$log" 2>&1 || { tail -n 30 "$$log"; exit 1; }; \
	done
	@CCRUN_CLAUDE="$$(tools/claude)" /usr/bin/python3 -m pytest -rs -p no:cacheprovider --timeout=1200 -m package tests/package

# As root: the packages installed on virtual machines of Debian 12 and 13, where people log in,
# suspend, reboot and crash.  ARGS=bookworm; ARGS='trixie -k logout'.
.PHONY: vm-test arm64-test
vm-test:
	@tools/vm $(ARGS)

# As root: the packages that were cross-built for arm64, on an emulated machine of that kind.
arm64-test:
	@tools/need arm64 >/dev/null || tools/deps arm64
	@ls build/deb/trixie-arm64/ccrun_*.deb >/dev/null 2>&1 || tools/debian trixie deb arm64
	@/usr/bin/python3 -m pytest -rs -p no:cacheprovider -m arm64 tests/machine

# Whether two threads ever touch the same without a lock.  Where the kernel spreads mappings wide,
# clang's older runtimes find no place: without that spreading, where that can be had.
tsan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-tsan CC=clang SANITIZE=thread threads-build
	@narrow="setarch -R"; $$narrow true 2>/dev/null || narrow=; \
	for t in $(BUILD)-tsan/threads/test_*; do $$narrow $$t || exit 1; done

# Longer than the suite's few seconds: SECONDS=n each.  FUZZ="fuzz_wire": these alone.  JOBS=2: at
# once.  By libFuzzer with ASan and UBSan (GO_ON=1: from what it found the last time).
# ENGINE=plain: without them, which is faster by far, and then what was found once more with them.
# ENGINE=afl: by AFL++, without.  Another build tells the lines that were reached.
fuzz:
	@tools/need build fuzz >/dev/null || tools/deps build fuzz
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-asan CC=clang SANITIZE=1 fuzz-build
	@[ "$(ENGINE)" != plain ] || $(MAKE) --no-print-directory BUILD=$(BUILD)-plain CC=clang \
		CFLAGS=-fsanitize=fuzzer-no-link fuzz-build
	@[ "$(ENGINE)" != afl ] || $(MAKE) --no-print-directory BUILD=$(BUILD)-afl CC=afl-clang-fast fuzz-build
	@LLVM_PROFILE_FILE=/dev/null $(MAKE) --no-print-directory BUILD=$(BUILD)-lines CC=clang \
		CFLAGS="-fprofile-instr-generate -fcoverage-mapping" fuzz-build
	@tools/fuzz $(if $(filter afl,$(ENGINE)),--engine afl) $(if $(GO_ON),--go-on) --jobs $(or $(JOBS),1) \
		$(if $(filter plain,$(ENGINE)),--again $(BUILD)-asan) --coverage $(BUILD)-lines \
		$(BUILD)-$(or $(ENGINE),asan) $(or $(SECONDS),60) $(FUZZ)

# The broker's protocol by several clients, against a model of what it grants; as an ordinary user.
# SECONDS=n; ARGS="--seed 7", --sequences 100, --steps 80.  tests/model/test_protocol_model.py is the
# short form.
fuzz-protocol:
	@tools/need build run test >/dev/null || tools/deps
	@$(MAKE) --no-print-directory all test-build
	@CCRUN_BUILD="$(CURDIR)/$(TEST)" /usr/bin/python3 tests/model/run.py --seconds $(or $(SECONDS),60) $(ARGS)
