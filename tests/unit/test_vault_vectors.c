/*
 * tests/unit/test_vault_vectors.c - every file of tests/vectors/vault, which
 * another program wrote, ends as its line in INDEX says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <inttypes.h>
#include <unistd.h>

#include "base/fail.h"
#include "secure/arena.h"
#include "secure/vault.h"

#define FIELDS 6
enum { FILE_NAME, SLOT, SECRET, RESULT, STAGE, ENTRIES };

static char directory[4096 + 64];

/* CCRUN_VECTORS, the checkout that we were started in, or the one around us. */
static void find_directory(void)
{
	const char *set = getenv("CCRUN_VECTORS");
	ssize_t n;
	char *slash;
	int up;

	snprintf(directory, sizeof(directory), "%s", set ? set : "tests/vectors/vault");
	if (set || access(directory, R_OK) == 0)
		return;
	n = readlink("/proc/self/exe", directory, 4095);
	directory[n < 0 ? 0 : n] = '\0';
	for (up = 0; up < 3; up++) {
		slash = strrchr(directory, '/');
		if (slash)
			*slash = '\0';
	}
	strcat(directory, "/tests/vectors/vault");
}

static size_t slurp(const char *name, uint8_t **out)
{
	char path[sizeof(directory) + 256];
	FILE *in;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	in = fopen(path, "rb");
	if (!in)
		fail_msg("cannot open %s", path);
	*out = malloc(VAULT_FILE_MAX + 2);
	n = fread(*out, 1, VAULT_FILE_MAX + 2, in);
	fclose(in);
	/* exactly as large as the file, so that a sanitizer sees a read past it */
	*out = realloc(*out, n ? n : 1);
	return n;
}

/* The entries as INDEX writes them; the caller frees. */
static char *shown(const struct vault *v)
{
	const struct entry *e;
	char *text = NULL, *hex;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	unsigned i;

	for (i = 0; (e = vault_at(v, i)) != NULL; i++) {
		hex = malloc(e->token_len * 2 + 1);
		secure_hex(hex, e->token, e->token_len);
		fprintf(out, "%s%s|%s|%s|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%s", i ? ";" : "",
			e->name, e->origin, e->variable, e->policy, e->created, e->changed,
			e->used, hex);
		free(hex);
	}
	if (i == 0)
		fputc('-', out);
	fclose(out);
	return text;
}

/* The slot's key from "pass:..." or "key:HEX". */
static void key_of(const struct vault_public *public, uint32_t slot, const char *secret,
		   uint8_t key[KEY_LEN])
{
	unsigned i, byte;

	if (strncmp(secret, "key:", 4) == 0) {
		for (i = 0; i < KEY_LEN; i++) {
			assert_int_equal(sscanf(secret + 4 + 2 * i, "%2x", &byte), 1);
			key[i] = (uint8_t)byte;
		}
		return;
	}
	assert_int_equal(strncmp(secret, "pass:", 5), 0);
	for (i = 0; i < public->slots; i++)
		if (public->slot[i].id == slot)
			assert_int_equal(kdf_derive(&public->slot[i].kdf, secret + 5,
						    strlen(secret + 5), key, NULL), 0);
}

/* One vector; what it did, in the words of INDEX. */
static void run(struct arena *a, char *field[FIELDS])
{
	struct vault_public public;
	struct failure f = { 0 };
	struct vault *v = NULL;
	uint8_t *file, key[KEY_LEN] = { 0 };
	uint32_t slot = (uint32_t)strtoul(field[SLOT], NULL, 10);
	size_t n = slurp(field[FILE_NAME], &file);
	const char *stage = "inspect";
	char *entries;

	if (vault_inspect(file, n, &public, &f) == 0) {
		stage = "open";
		key_of(&public, slot, field[SECRET], key);
		v = vault_open(a, file, n, slot, key, &f);
	} else {
		/* opening never gets further than inspecting */
		assert_null(vault_open(a, file, n, slot, key, NULL));
	}
	if (strcmp(stage, field[STAGE]) != 0 ||
	    strcmp(v ? "ok" : fail_name(f.code), field[RESULT]) != 0)
		fail_msg("%s: wanted %s at %s, got %s at %s: %s", field[FILE_NAME], field[RESULT],
			 field[STAGE], v ? "ok" : fail_name(f.code), stage, f.what);
	if (v) {
		entries = shown(v);
		assert_string_equal(entries, field[ENTRIES]);
		free(entries);
	}
	vault_free(v);
	free(file);
	assert_int_equal(arena_used(a), 0);
}

static void test_vectors(void **state)
{
	struct arena *a = arena_new(ARENA_DEFAULT, NULL);
	char path[sizeof(directory) + 16], *line = NULL, *field[FIELDS], *rest;
	size_t size = 0;
	unsigned count = 0, i;
	FILE *in;

	(void)state;
	assert_non_null(a);
	find_directory();
	snprintf(path, sizeof(path), "%s/INDEX", directory);
	in = fopen(path, "r");
	if (!in)
		fail_msg("cannot open %s", path);
	while (getline(&line, &size, in) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		rest = line;
		for (i = 0; i < FIELDS; i++) {
			field[i] = strsep(&rest, "\t");
			assert_non_null(field[i]);
		}
		run(a, field);
		count++;
	}
	assert_true(count > 100);
	free(line);
	fclose(in);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors) };

	if (secure_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
