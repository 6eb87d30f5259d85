/*
 * tests/base/test_json_locked.c - jansson in locked memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "json/locked.h"

static json_t *parsed(const char *text)
{
	return json_loads(text, JSON_REJECT_DUPLICATES, NULL);
}

static void test_begin_and_end(void **state)
{
	json_t *root;
	int i;

	(void)state;
	js_locked_end(); /* nothing was begun */
	for (i = 0; i < 3; i++) {
		assert_int_equal(js_locked_begin(js_locked_room(20), NULL), 0);
		root = parsed("{\"key\":\"secret\"}");
		assert_string_equal(json_string_value(json_object_get(root, "key")), "secret");
		js_locked_end();
	}
	/* in ordinary memory again: valgrind and ASan would see a foreign block */
	root = parsed("{\"key\":\"value\"}");
	assert_non_null(root);
	json_decref(root);
}

static void test_room_is_used_up(void **state)
{
	json_error_t e;

	(void)state;
	assert_int_equal(js_locked_begin(256, NULL), 0);
	assert_null(json_loads("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", 0, &e));
	js_locked_end();
	assert_int_equal(js_locked_begin(SIZE_MAX, NULL), -1);
	json_decref(parsed("{}"));
}

/* The texts that need most memory for their length. */
static void test_room_is_enough(void **state)
{
	static const char *const part[] = { "1,", "1.5,", "\"\",", "\"a\"," };
	enum { LEN = 30000 };
	char *text = malloc(LEN + 16);
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		n = 0;
		text[n++] = '[';
		while (n < LEN) {
			memcpy(text + n, part[i], strlen(part[i]));
			n += strlen(part[i]);
		}
		memcpy(text + n, "1]", 3);
		assert_int_equal(js_locked_begin(js_locked_room(n + 2), NULL), 0);
		assert_non_null(parsed(text));
		js_locked_end();
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begin_and_end),
		cmocka_unit_test(test_room_is_used_up),
		cmocka_unit_test(test_room_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
