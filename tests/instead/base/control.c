/*
 * tests/instead/base/control.c - controls without those that CCRUN_WITHOUT names.
 *
 * Read before main, since programs empty their environment; or with the first question,
 * which the library's constructor may ask before that.  A name that is none ends the program, so that no test passes by a slip.
 */
#include "base/control.h"

#include <string.h>
#include <unistd.h>

#define VARIABLE "CCRUN_WITHOUT="
#define UNKNOWN 98 /* exit code */

static const char *const names[] = {
#define CONTROL_TEXT(id, name, against, where) name,
	CONTROLS(CONTROL_TEXT)
#undef CONTROL_TEXT
};

/* Of a build that counts what runs (tools/coverage): the counts are files that a program
 * writes when it ends, which these would keep it from. */
#ifndef CONTROLS_OFF
#define CONTROLS_OFF ""
#endif

static bool off[CONTROL_COUNT], have_read;

static bool name_switch_off(const char *name, size_t n)
{
	unsigned i;

	for (i = 0; i < CONTROL_COUNT; i++)
		if (strlen(names[i]) == n && memcmp(names[i], name, n) == 0) {
			off[i] = true;
			return true;
		}
	return false;
}

static void names_switch_off(const char *list)
{
	static const char unknown[] = VARIABLE " names a control that is none\n";
	size_t n;

	for (; *list; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (name_switch_off(list, n))
			continue;
		if (write(STDERR_FILENO, unknown, sizeof(unknown) - 1) < 0)
			_exit(UNKNOWN + 1);
		_exit(UNKNOWN);
	}
}

/* Not by getenv, which the program that the library is loaded into may have replaced. */
__attribute__((constructor(101))) static void controls_read(void)
{
	const char *list = "";

	have_read = true;
	for (char **e = environ; e && *e; e++)
		if (strncmp(*e, VARIABLE, strlen(VARIABLE)) == 0)
			list = *e + strlen(VARIABLE);
	names_switch_off(CONTROLS_OFF);
	names_switch_off(list);
}

bool control_active(enum control c)
{
	if (!have_read)
		controls_read();
	return !off[c];
}
