# The test build: every program once more, of the same objects, but for those that
# tests/instead/ has a file for, of the same path.  Nothing of it is installed.

TEST := $(BUILD)-test
TEST_LIBEXEC := $(TEST)/libexec/ccrun
TEST_HOUSE := $(OBJ)/house-test.a

replaced := $(patsubst tests/instead/%.c,%.o,$(shell find tests/instead -name '*.c'))
# instead DIR,OBJECTS: the objects below DIR as the test build has them.
instead = $(filter-out $(addprefix $(1)/,$(replaced)),$(2)) \
	$(patsubst $(1)/%,$(1)/tests/instead/%,$(filter $(addprefix $(1)/,$(replaced)),$(2)))
# Every allocation of theirs asks a tracer, where there is one, if it may (tests/torture/).
allocator := tests/torture/allocator.o
$(TEST)/%: private WRAP := $(foreach f,malloc calloc realloc strdup strndup,-Wl,--wrap=$(f))
# for_tests FILES: where the test build has these of the build.
for_tests = $(patsubst $(BUILD)/%,$(TEST)/%,$(1))
