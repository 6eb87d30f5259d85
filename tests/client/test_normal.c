/*
 * tests/client/test_normal.c - a passphrase that keyboards write in two forms has one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "display/normal.h"

struct form {
	const char *typed, *normal; /* NULL: it is no UTF-8 */
};

static const struct form forms[] = {
	{ "", "" },
	{ "correct horse battery staple", "correct horse battery staple" },
	{ "gr\u00fc\u00dfe", "gr\u00fc\u00dfe" },
	{ "gru\u0308\u00dfe", "gr\u00fc\u00dfe" },
	/* Marks in the other order; three characters of one. */
	{ "a\u0323\u0302", "\u1ead" },
	{ "a\u0302\u0323", "\u1ead" },
	{ "\u01d5", "\u01d5" },
	{ "U\u0308\u0304", "\u01d5" },
	{ "\u1f82", "\u1f82" },
	/* Hangul as parts; the sign for angstrom; longer than it was typed. */
	{ "\u1112\u1161\u11ab", "\ud55c" },
	{ "\u212b", "\u00c5" },
	{ "\u0958", "\u0915\u093c" },
	{ "\u0344", "\u0308\u0301" },
	/* Only the canonical forms: these are other passphrases. */
	{ "\ufb01\u00a0\uff21", "\ufb01\u00a0\uff21" },
	{ "a\u200bb\U0001f511", "a\u200bb\U0001f511" },
	{ "caf\xe9", NULL },
	{ "u\xcc", NULL },
	{ "\xc0\xaf", NULL },
	{ "\xed\xa0\x80", NULL },
};

static void test_forms(void **state)
{
	const struct form *t;
	int32_t *room;
	size_t i, n, characters;
	ssize_t got;

	(void)state;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		t = &forms[i];
		n = strlen(t->typed);
		characters = NORMAL_ROOM(n);
		room = malloc(characters * sizeof(*room));
		got = text_normalise(TEXT_COMPOSED, (const uint8_t *)t->typed, n, room, characters);
		assert_int_equal(got, t->normal ? (ssize_t)strlen(t->normal) : -1);
		if (t->normal)
			assert_memory_equal(room, t->normal, strlen(t->normal));
		free(room);
	}
}

/* What grows most fits into what NORMAL_ROOM says, however long it is; a NUL is no end. */
static void test_room(void **state)
{
	static const char *const most[] = { "\u01d5", "\u1f82", "\u0344", "\u0958", "a\0b" };
	uint8_t text[1024];
	int32_t *room;
	size_t i, n, one;

	(void)state;
	for (i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		one = most[i][1] ? strlen(most[i]) : 3;
		for (n = 0; n + one <= sizeof(text); n += one)
			memcpy(text + n, most[i], one);
		room = malloc(NORMAL_ROOM(n) * sizeof(*room));
		assert_true(text_normalise(TEXT_COMPOSED, text, n, room, NORMAL_ROOM(n)) >=
			    (ssize_t)n);
		assert_true(text_normalise(TEXT_DECOMPOSED, text, n, room, NORMAL_ROOM(n)) >=
			    (ssize_t)n);
		free(room);
	}
}

/* Nothing is left of a text that ended in the wrong place. */
static void test_zeroed(void **state)
{
	static const int32_t zero[NORMAL_ROOM(8)];
	int32_t room[NORMAL_ROOM(8)];

	(void)state;
	memset(room, 0x55, sizeof(room));
	assert_int_equal(text_normalise(TEXT_COMPOSED, (const uint8_t *)"secret\xc3\xc3", 8, room,
					NORMAL_ROOM(8)),
			 -1);
	assert_memory_equal(room, zero, sizeof(zero));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_zeroed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
