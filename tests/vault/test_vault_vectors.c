/*
 * tests/vault/test_vault_vectors.c - every file of tests/vectors/vault, which
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

#include "base/fail.h"
#include "vault/arena.h"
#include "vault/crypto.h"
#include "vault/entries.h"
#include "vault/entry.h"
#include "vault/inspect.h"
#include "vault/kdf.h"
#include "vault/lock_settings.h"
#include "vault/slot.h"
#include "vault/slots.h"
#include "vault/vault.h"
#include "tests/vault/vectors.h"

#define FIELDS 8
enum { FILE_NAME, SLOT, SECRET, RESULT, STAGE, ENTRIES, SETTINGS, MATERIAL };

/* The token, or "=" and the three texts of a source, in hex. */
static void put_last(FILE *out, const struct entry *e)
{
	const char *texts[3];
	char *hex = malloc(2 * TOKEN_MAX + 1);
	int i;

	if (e->source) {
		assert_null(e->token);
		texts[0] = e->source->ref;
		texts[1] = e->source->command;
		texts[2] = e->source->pick;
		for (i = 0; i < 3; i++) {
			hex_encode(hex, (const uint8_t *)texts[i], strlen(texts[i]));
			fprintf(out, "%c%s", i ? ',' : '=', hex);
		}
	} else {
		hex_encode(hex, e->token, e->token_len);
		fputs(hex, out);
	}
	free(hex);
}

/* The entries as INDEX writes them; the caller frees. */
static char *shown(const struct vault *v)
{
	const struct entry *e;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	unsigned i;

	for (i = 0; (e = vault_at(v, i)) != NULL; i++) {
		fprintf(out, "%s%s|%s|%s|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|", i ? ";" : "",
			e->name, e->origin, e->variable, e->policy, e->created, e->changed,
			e->used);
		put_last(out, e);
	}
	if (i == 0)
		fputc('-', out);
	fclose(out);
	return text;
}

static void expect_settings(const struct vault *v, const char *want)
{
	struct lock_settings s = vault_lock_settings(v);
	char text[80];

	snprintf(text, sizeof(text), "%" PRIu64 "|%" PRIu64 "|%u%s", s.idle, s.longest, s.events,
		 s.durable ? "|durable" : "");
	assert_string_equal(text, want);
}

/* The material of all slots; "-" when none has any. */
static void expect_material(const struct vault *v, const char *want)
{
	const struct slot_info *s;
	char *text = NULL, hex[SLOT_MATERIAL_MAX * 2 + 1];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	unsigned i, n = 0;

	for (i = 0; (s = vault_slot(v, i)) != NULL; i++) {
		if (s->material_len == 0)
			continue;
		hex_encode(hex, s->material, s->material_len);
		fprintf(out, "%s%" PRIu32 ":%s", n++ ? ";" : "", s->id, hex);
	}
	if (n == 0)
		fputc('-', out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

/* The slot's key from "pass:..." or "key:HEX". */
static void key_of(const struct vault_public *public, uint32_t slot, const char *secret,
		   uint8_t key[KEY_LEN])
{
	unsigned i;

	if (strncmp(secret, "key:", 4) == 0) {
		vector_hex(secret + 4, key, KEY_LEN);
		return;
	}
	assert_int_equal(strncmp(secret, "pass:", 5), 0);
	for (i = 0; i < public->slots; i++)
		if (public->slot[i].id == slot)
			assert_int_equal(kdf_derive(&public->slot[i].kdf, secret + 5,
						    strlen(secret + 5), key, NULL),
					 0);
}

/* One vector; what it did, in the words of INDEX. */
static void run(struct arena *a, char *field[FIELDS])
{
	struct vault_public public;
	struct failure f = { 0 };
	struct vault *v = NULL;
	uint8_t *file, key[KEY_LEN] = { 0 };
	uint32_t slot = (uint32_t)strtoul(field[SLOT], NULL, 10);
	size_t n = vector_file("vault", field[FILE_NAME], VAULT_FILE_MAX + 2, &file);
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
		expect_settings(v, field[SETTINGS]);
		expect_material(v, field[MATERIAL]);
	}
	vault_free(v);
	free(file);
	assert_int_equal(arena_used(a), 0);
}

static void test_vectors(void **state)
{
	struct arena *a = arena_new(ARENA_DEFAULT, NULL);
	char *field[FIELDS];
	unsigned count = 0;
	FILE *in = vector_open("vault", "INDEX");

	(void)state;
	assert_non_null(a);
	while (vector_line(in, field, FIELDS)) {
		run(a, field);
		count++;
	}
	assert_true(count > 160);
	fclose(in);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors) };

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
