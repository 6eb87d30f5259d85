/*
 * tests/sources/test_source.c - words on a line, and tokens that are fetched into
 * an open vault, and what opens a manager where a directory cannot be read.  What source files do
 * with a reference: tests/sources/.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/fail.h"
#include "config/provider/manager_variables.h"
#include "config/source/source.h"
#include "config/source/source_opens.h"
#include "config/source/command.h"
#include "vault/arena.h"
#include "vault/crypto.h"
#include "vault/tokens.h"
#include "vault/undo.h"
#include "vault/vault.h"
#include "tests/vault/vault_fixture.h"

static void expect_words(const char *line, unsigned n, const char *const want[])
{
	char again[256];
	struct command_words w, same;
	unsigned i;

	assert_int_equal(command_split(line, &w, NULL), 0);
	assert_int_equal(w.n, n);
	for (i = 0; i < n; i++)
		assert_string_equal(w.v[i], want[i]);
	assert_null(w.v[n]);
	/* what is written of them is read as the same */
	assert_int_equal(command_format((const char *const *)w.v, w.n, again, sizeof(again), NULL),
			 0);
	assert_int_equal(command_split(again, &same, NULL), 0);
	assert_int_equal(same.n, n);
	for (i = 0; i < n; i++)
		assert_string_equal(same.v[i], want[i]);
	command_free(&same);
	command_free(&w);
}

static void test_words(void **state)
{
	(void)state;
	expect_words("a", 1, (const char *[]){ "a" });
	expect_words("  op read\t--no-newline  x ", 4,
		     (const char *[]){ "op", "read", "--no-newline", "x" });
	expect_words("'a b' \"c d\" e' 'f", 3, (const char *[]){ "a b", "c d", "e f" });
	expect_words("x '' \"\"", 3, (const char *[]){ "x", "", "" });
	expect_words("a\\ b \\'c \\\\", 3, (const char *[]){ "a b", "'c", "\\" });
	expect_words("\"a\\\"b\\\\c\\d\" 'e\\f'", 2, (const char *[]){ "a\"b\\c\\d", "e\\f" });
	expect_words("$HOME `id` $(id) *|;&", 4,
		     (const char *[]){ "$HOME", "`id`", "$(id)", "*|;&" });
	expect_words("'it'\\''s'", 1, (const char *[]){ "it's" });
}

static void test_words_refused(void **state)
{
	static const char *const wrong[] = { "", "   ", "'a", "a \"b", "a\\", "\"a\\\"" };
	struct failure f = { 0 };
	char many[4 * COMMAND_WORDS_MAX], out[8];
	struct command_words w;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(command_split(wrong[i], &w, &f), -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
		assert_null(w.text);
	}
	memset(many, 0, sizeof(many));
	for (i = 0; i <= COMMAND_WORDS_MAX; i++)
		strcat(many, "a ");
	assert_int_equal(command_split(many, &w, &f), -1);
	many[2 * COMMAND_WORDS_MAX] = '\0';
	assert_int_equal(command_split(many, &w, &f), 0);
	assert_int_equal(w.n, COMMAND_WORDS_MAX);
	command_free(&w);
	assert_int_equal(command_format((const char *const[]){ "123", "567" }, 2, out, sizeof(out),
					&f),
			 0);
	assert_string_equal(out, "123 567");
	assert_int_equal(command_format((const char *const[]){ "123", "5678" }, 2, out, sizeof(out),
					&f),
			 -1);
	assert_int_equal(f.code, FAIL_TOO_LARGE);
}

static void test_pick(void **state)
{
	enum source_output out;
	const char *field;

	(void)state;
	assert_int_equal(source_pick("line", &out, &field, NULL), 0);
	assert_int_equal(out, OUTPUT_LINE);
	assert_int_equal(source_pick("first-line", &out, &field, NULL), 0);
	assert_int_equal(out, OUTPUT_FIRST_LINE);
	assert_int_equal(source_pick("json:a.b", &out, &field, NULL), 0);
	assert_int_equal(out, OUTPUT_JSON);
	assert_string_equal(field, "a.b");
	assert_int_equal(source_pick("jsonx", &out, &field, NULL), -1);
	assert_int_equal(source_pick("", &out, &field, NULL), -1);
}

/* ---- in the vault ---- */

static const struct entry_source pass = { "pass:ai/x", "/usr/bin/pass show ai/x", "first-line" };

static struct entry elsewhere(const char *name, const struct entry_source *s)
{
	struct entry e = { .origin = "bearer https://x",
			   .variable = "ANTHROPIC_AUTH_TOKEN",
			   .source = s };

	strcpy(e.name, name);
	return e;
}

static const uint8_t value[] = "a-fetched-token";
#define VALUE_LEN (sizeof(value) - 1)

static struct vault *with_source(struct arena *a)
{
	struct slot_info info = { .kind = SLOT_RECOVERY, .label = "x" };
	struct entry e = elsewhere("x", &pass);
	struct vault *v = vault_create(a, &info, key_a, NULL);

	assert_non_null(v);
	assert_int_equal(vault_put(v, &e, NULL), 0);
	vault_commit(v);
	return v;
}

/* Sealed and opened again: the source is there, the token is not. */
static void test_never_sealed(void **state)
{
	struct arena *a = arena_new(ARENA_DEFAULT, NULL);
	struct vault *v = with_source(a), *w;
	const struct entry *e;
	uint8_t *file;
	size_t n;

	(void)state;
	assert_int_equal(vault_tokens_asleep(v), 0);
	assert_int_equal(vault_token_set_fetched(v, "x", value, VALUE_LEN, 5, 0, NULL), 0);
	e = vault_find(v, "x");
	assert_memory_equal(e->token, value, VALUE_LEN);
	assert_int_equal(e->since, 5);
	vault_set_since(v, 77);
	assert_int_equal(e->since, 5);
	assert_int_equal(vault_seal(v, &file, &n, NULL), 0);
	assert_int_equal(file[8], 3);
	w = vault_open(a, file, n, 1, key_a, NULL);
	assert_non_null(w);
	e = vault_find(w, "x");
	assert_null(e->token);
	assert_string_equal(e->source->ref, pass.ref);
	assert_string_equal(e->source->command, pass.command);
	assert_string_equal(e->source->pick, pass.pick);
	assert_int_equal(vault_tokens_wake(w, file, n, NULL), 0);
	assert_null(vault_find(w, "x")->token);
	/* the one's value into the other, and its time */
	vault_tokens_carry(v, w);
	assert_memory_equal(e->token, value, VALUE_LEN);
	assert_int_equal(e->since, 5);
	free(file);
	vault_free(w);
	vault_free(v);
	assert_int_equal(arena_used(a), 0);
	arena_free(a);
}

static bool everything(const struct entry *e)
{
	(void)e;
	return true;
}

/* Another's vault with the entry and the source of the open one gets no token; its own does,
 * also from what a lock left. */
static void test_carried_with_the_same_key_alone(void **state)
{
	struct arena *a = arena_new(ARENA_DEFAULT, NULL);
	struct vault *v = with_source(a), *forged = with_source(a), *own;
	uint8_t *file;
	size_t n;

	(void)state;
	assert_int_equal(vault_seal(v, &file, &n, NULL), 0);
	own = vault_open(a, file, n, 1, key_a, NULL);
	assert_int_equal(vault_token_set_fetched(v, "x", value, VALUE_LEN, 5, 0, NULL), 0);
	vault_tokens_carry(v, forged);
	assert_null(vault_find(forged, "x")->token);
	v = vault_narrow(v, everything);
	vault_tokens_carry(v, forged);
	assert_null(vault_find(forged, "x")->token);
	vault_tokens_carry(v, own);
	assert_memory_equal(vault_find(own, "x")->token, value, VALUE_LEN);
	free(file);
	vault_free(own);
	vault_free(forged);
	vault_free(v);
	assert_int_equal(arena_used(a), 0);
	arena_free(a);
}

static void test_fetched_again_put_to_sleep_and_undone(void **state)
{
	struct arena *a = arena_new(ARENA_DEFAULT, NULL);
	struct vault *v = with_source(a);
	struct entry_source other = pass;
	struct failure f = { 0 };
	struct entry e;

	(void)state;
	assert_int_equal(vault_token_set_fetched(v, "absent", value, VALUE_LEN, 1, 0, &f), -1);
	assert_int_equal(f.code, FAIL_NO_ENTRY);
	assert_int_equal(vault_token_set_fetched(v, "x", value, 0, 1, 0, &f), -1);
	assert_int_equal(vault_token_set_fetched(v, "x", value, VALUE_LEN, 1, 0, NULL), 0);
	assert_int_equal(vault_token_set_fetched(v, "x", value + 1, VALUE_LEN - 1, 2, 0, NULL), 0);
	assert_int_equal(vault_find(v, "x")->token_len, VALUE_LEN - 1);
	vault_token_sleep(v, "x");
	assert_null(vault_find(v, "x")->token);
	assert_int_equal(vault_tokens_asleep(v), 0);
	assert_int_equal(vault_token_set_fetched(v, "x", value, VALUE_LEN, 3, 0, NULL), 0);
	/* another source, and back: the value comes back with it */
	strcpy(other.command, "/usr/bin/other");
	e = elsewhere("x", &other);
	assert_int_equal(vault_put(v, &e, NULL), 0);
	assert_null(vault_find(v, "x")->token);
	vault_undo(v);
	assert_string_equal(vault_find(v, "x")->source->command, pass.command);
	assert_memory_equal(vault_find(v, "x")->token, value, VALUE_LEN);
	/* what is sealed otherwise is not carried */
	strcpy(e.name, "y");
	assert_int_equal(vault_put(v, &e, NULL), 0);
	vault_tokens_carry(v, v);
	assert_null(vault_find(v, "y")->token);
	vault_free(v);
	assert_int_equal(arena_used(a), 0);
	arena_free(a);
}

/* A lock that spares it spares what was fetched alone. */
static void test_narrowed(void **state)
{
	struct arena *a = arena_new(ARENA_DEFAULT, NULL);
	struct vault *v = with_source(a);

	(void)state;
	assert_int_equal(vault_token_set_fetched(v, "x", value, VALUE_LEN, 1, 0, NULL), 0);
	v = vault_narrow(v, everything);
	assert_non_null(v);
	assert_memory_equal(vault_find(v, "x")->token, value, VALUE_LEN);
	vault_free(v);
	assert_null(vault_narrow(with_source(a), everything));
	assert_int_equal(arena_used(a), 0);
	arena_free(a);
}

static void test_what_is_no_source(void **state)
{
	struct arena *a = arena_new(ARENA_DEFAULT, NULL);
	struct vault *v = with_source(a);
	struct entry_source s = pass;
	struct entry e = elsewhere("y", &s);
	struct failure f = { 0 };

	(void)state;
	s.pick[0] = '\0';
	assert_int_equal(vault_put(v, &e, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	s = pass;
	s.ref[2] = '\n';
	assert_int_equal(vault_put(v, &e, &f), -1);
	s = pass;
	memset(s.command, 'c', sizeof(s.command));
	assert_int_equal(vault_put(v, &e, &f), -1);
	e.source = NULL; /* and no token */
	assert_int_equal(vault_put(v, &e, &f), -1);
	vault_free(v);
	arena_free(a);
}

/* A directory on a file system that has gone, behind its first names. */
static bool is_gone;
struct dirent *__real_readdir(DIR *d);
struct dirent *__wrap_readdir(DIR *d);

struct dirent *__wrap_readdir(DIR *d)
{
	struct dirent *e = __real_readdir(d);

	if (e || !is_gone)
		return e;
	errno = EIO;
	return NULL;
}

static void test_what_opens_is_told_whole(void **state)
{
	char dir[] = "/tmp/opens-XXXXXX", path[4][64];
	struct own_manager_variables own;
	struct failure f = { 0 };
	FILE *file;
	int i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path[0], sizeof(path[0]), "%s", dir);
	snprintf(path[1], sizeof(path[1]), "%s/ccrun", dir);
	snprintf(path[2], sizeof(path[2]), "%s/ccrun/sources", dir);
	snprintf(path[3], sizeof(path[3]), "%s/ccrun/sources/mine.conf", dir);
	for (i = 1; i < 3; i++)
		assert_int_equal(mkdir(path[i], 0700), 0);
	file = fopen(path[3], "w");
	assert_non_null(file);
	fputs("[source]\nopens = MY_MANAGER\n", file);
	assert_int_equal(fchmod(fileno(file), 0600), 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(setenv("XDG_CONFIG_HOME", dir, 1), 0);
	assert_int_equal(source_own_opens(&own, &f), 0);
	assert_int_equal(own.n, 1);
	is_gone = true;
	assert_int_equal(source_own_opens(&own, &f), -1);
	is_gone = false;
	assert_int_equal(own.n, 0);
	assert_int_equal(f.code, FAIL_SYSTEM);
	for (i = 3; i >= 0; i--)
		remove(path[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_refused),
		cmocka_unit_test(test_pick),
		cmocka_unit_test(test_never_sealed),
		cmocka_unit_test(test_carried_with_the_same_key_alone),
		cmocka_unit_test(test_fetched_again_put_to_sleep_and_undone),
		cmocka_unit_test(test_narrowed),
		cmocka_unit_test(test_what_is_no_source),
		cmocka_unit_test(test_what_opens_is_told_whole),
	};

	return libsodium_start(NULL) != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
