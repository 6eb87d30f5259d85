/*
 * tests/config/test_ini_value.c - values as people write them: with quotes, with comments
 * behind them, by editors that mark the file or end lines in another way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "config/ini/ini_edit.h"
#include "config/ini/ini_file.h"
#include "config/ini/ini_value.h"

struct line {
	const char *text, *value; /* value NULL: refused */
	const char *why;
};

static const struct line lines[] = {
	{ "key = glm-4.7", "glm-4.7", NULL },
	{ "key=glm-4.7", "glm-4.7", NULL },
	{ "\tkey\t=\tglm-4.7\t", "glm-4.7", NULL },
	{ "key = glm-4.7\r", "glm-4.7", NULL },
	{ "key: glm-4.7", "glm-4.7", NULL },
	{ "key =", "", NULL },
	/* quotes */
	{ "key = \"glm-4.7\"", "glm-4.7", NULL },
	{ "key = 'glm-4.7'", "glm-4.7", NULL },
	{ "key = \"glm-4.7\"\r", "glm-4.7", NULL },
	{ "key = \"\"", "", NULL },
	{ "key = \" | \"", " | ", NULL },
	{ "key = '\"glm\"'", "\"glm\"", NULL },
	{ "key = \"it's\"", "it's", NULL },
	{ "key = it's", "it's", NULL },
	{ "key = the \"Keys\" page", "the \"Keys\" page", NULL },
	{ "key = export X=\"$(bw unlock)\"", "export X=\"$(bw unlock)\"", NULL },
	{ "key = \"two\" words", "\"two\" words", NULL },
	{ "key = \"two\" \"words\"", "\"two\" \"words\"", NULL },
	{ "key = \"glm-4.7", NULL, "a quote that does not end" },
	{ "key = 'glm-4.7\"", NULL, "a quote that does not end" },
	{ "key = \u201cglm-4.7\u201d", NULL, "typographic quotes" },
	{ "key = \u2018glm-4.7\u2019", NULL, "typographic quotes" },
	/* comments */
	{ "key = glm-4.7 ; new", "glm-4.7", NULL },
	{ "key = glm-4.7 # new", "glm-4.7", NULL },
	{ "key = glm-4.7\t# new", "glm-4.7", NULL },
	{ "key = glm-4.7 #new\r", "glm-4.7", NULL },
	{ "key = \"glm-4.7\" ; new", "glm-4.7", NULL },
	{ "key = 'glm-4.7'\t# it's new", "glm-4.7", NULL },
	{ "key = \"a ; b # c\"", "a ; b # c", NULL },
	{ "key = \"a ; b\" # c", "a ; b", NULL },
	{ "key = \"two\" words # new", "\"two\" words", NULL },
	{ "key = ; nothing", "", NULL },
	{ "key = # nothing", "", NULL },
	{ "key = #ff8800", "#ff8800", NULL },
	{ "key = a#b;c", "a#b;c", NULL },
	{ "key = http://h/x#y", "http://h/x#y", NULL },
	/* what does not show */
	{ "key = glm\u200b-4.7", NULL, "does not show" },
	{ "key = \ufeffglm-4.7", NULL, "does not show" },
	{ "key = \"glm-4.7\u2060\"", NULL, "does not show" },
	{ "key = glm\u00ad-4.7", NULL, "does not show" },
	{ "key = glm-4.7\u00a0", NULL, "no-break space" },
	{ "key = \u00a0glm-4.7", NULL, "no-break space" },
	{ "key = Gr\u00fc\u00dfe\u00a0! \U0001f469\u200d\U0001f680",
	  "Gr\u00fc\u00dfe\u00a0! \U0001f469\u200d\U0001f680", NULL },
	{ "key = x ; a\u200bb", "x", NULL },
	/* a header's key has a colon of its own */
	{ "header:x-a = \"v w\" # new", "v w", NULL },
	{ "header:x-a = \"v", NULL, "a quote that does not end" },
};

static struct ini_file *parse(const char *text, struct failure *f)
{
	struct ini_file *file = NULL;

	*f = (struct failure){ 0 };
	return ini_file_parse("x.conf", text, strlen(text), &file, f) == 0 ? file : NULL;
}

static void test_lines(void **state)
{
	const struct ini_item *it;
	struct ini_file *file;
	char text[256];
	struct failure f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "[a]\n%s\n", lines[i].text);
		file = parse(text, &f);
		if (!lines[i].value) {
			assert_null(file);
			if (strncmp(f.what, "x.conf:2: ", 10) != 0 ||
			    !strstr(f.what, lines[i].why) || strstr(f.what, "glm"))
				fail_msg("%s: %s", lines[i].text, f.what);
			continue;
		}
		if (!file)
			fail_msg("%s: %s", lines[i].text, f.what);
		it = ini_file_get(file, "a", "key");
		it = it ? it : ini_file_get(file, "a", "header:x-a");
		assert_non_null(it);
		if (strcmp(it->value, lines[i].value) != 0)
			fail_msg("%s: '%s'", lines[i].text, it->value);
		ini_file_free(file);
	}
}

/* A byte order mark, also where the file begins in a section of its own. */
static void test_mark(void **state)
{
	static const char *const texts[] = {
		"\ufeff[a]\r\nkey = v\r\n",
		"\ufeff; comment\r\n[a]\r\nkey = v\r\n",
		"\ufeff\n[a]\nkey = v",
	};
	static const char bare[] = "\ufeffkey = v\r\n";
	struct ini_file *file;
	struct failure f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		file = parse(texts[i], &f);
		if (!file)
			fail_msg("%s: %s", texts[i], f.what);
		assert_string_equal(ini_file_get(file, "a", "key")->value, "v");
		ini_file_free(file);
	}
	assert_int_equal(ini_file_parse_in("x", "a", bare, strlen(bare), &file, &f), 0);
	assert_string_equal(ini_file_get(file, "a", "key")->value, "v");
	assert_int_equal(ini_file_get(file, "a", "key")->line, 1);
	ini_file_free(file);
}

/* What is written is read again, whatever stood there. */
static void test_written(void **state)
{
	static const char *const values[] = {
		"v",   "",    "a ; b",	    "a # b", " | ", "\"v\"",
		"'v'", "\"v", "it's # new", "; v",   "# v", "#ff8800",
	};
	static const char *const before[] = {
		"[a]\nkey = old ; why\nother = x\n",
		"[a]\nkey = \"old # x\" # why\nother = x\n",
		"\ufeff[a]\r\nkey='old'\r\nother = x\r\n",
		"[a]\nother = x\n",
		"[b]\nkey = y\n[a]\nother = x",
		"[a]\nkey = 'old\nother = x\n",
		"[a]\nother = x\nkey =",
	};
	struct ini_file *file;
	struct failure f;
	size_t i, k, n;
	char *out;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (k = 0; k < sizeof(before) / sizeof(before[0]); k++) {
			if (ini_edit("x", before[k], strlen(before[k]), "a", "key", values[i], &out,
				     &n, &f) != 0)
				fail_msg("%s in %s: %s", values[i], before[k], f.what);
			file = parse(out, &f);
			assert_non_null(file);
			assert_string_equal(ini_file_get(file, "a", "key")->value, values[i]);
			assert_string_equal(ini_file_get(file, "a", "other")->value, "x");
			assert_true(!strstr(before[k], "why") == !strstr(out, "why"));
			ini_file_free(file);
			free(out);
		}
	assert_int_equal(ini_edit("x", "", 0, "a", "key", " 'both' \"kinds\" ", &out, &n, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
