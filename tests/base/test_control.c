/*
 * tests/base/test_control.c - the table of controls; and that what is shipped has no
 * switch for any of them (the unit tests link the shipped object).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/control.h"

static const struct row {
	const char *name, *against;
} table[] = {
#define ROW(id, name, against, where) { name, against },
	CONTROLS(ROW)
#undef ROW
};

static void test_names_are_unique(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < CONTROL_COUNT; i++) {
		assert_true(strlen(table[i].name) > 2 && strlen(table[i].against) > 10);
		assert_int_equal(strspn(table[i].name, "abcdefghijklmnopqrstuvwxyz-"),
				 strlen(table[i].name));
		for (j = 0; j < i; j++)
			assert_string_not_equal(table[i].name, table[j].name);
	}
}

static void test_nothing_switches_one_off(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < CONTROL_COUNT; i++) {
		setenv("CCRUN_WITHOUT", table[i].name, 1);
		assert_true(control_active((enum control)i));
	}
	unsetenv("CCRUN_WITHOUT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_unique),
		cmocka_unit_test(test_nothing_switches_one_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
