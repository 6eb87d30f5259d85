/*
 * tests/fuzz/fuzz_import.c - a shell or settings file, read as ccctl import does.
 *
 * The first byte says which (s sh, f fish, e settings; N nushell, U a systemd unit, V
 * fish's universal variables, J an editor's JSON, C cc-switch's, R claude-code-router's),
 * the second which of the
 * settings' variables is taken out.  What is checked besides memory: each
 * assignment lies inside the file and inside its statement, a value is of a kind
 * that has what the kind promises, and a variable that was taken out leaves
 * the rest as it was.
 *
 * Targets: import/shell*.c import/nushell.c import/systemd_unit.c import/fish_variables.c
 *	import/json_env.c import/json_scan.c import/settings_env.c import/assignments.c
 *	import/manager_command.c
 */
#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "import/fish_variables.h"
#include "import/json_env.h"
#include "import/nushell.h"
#include "import/settings_env.h"
#include "import/shell.h"
#include "import/systemd_unit.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_locked.h"

static void check_reading(const struct assignments *r, size_t n)
{
	unsigned i;

	for (i = 0; i < r->n; i++) {
		const struct assignment *a = &r->assign[i];

		MUST(a->at <= a->end && a->end <= n && a->from <= a->to && a->to <= n);
		MUST(a->to == 0 || (a->from <= a->at && a->end <= a->to));
		MUST(a->line >= 1 && a->scope < r->scopes && a->name[0]);
		MUST(a->kind != VALUE_COMMAND);
		if (a->kind == VALUE_LITERAL)
			MUST(a->p >= r->pool.p && a->p + a->n <= r->pool.p + r->pool.n);
		else if (a->kind == VALUE_SOURCE || a->kind == VALUE_FILE)
			MUST(a->ref && a->ref[0] && !strchr(a->ref, '\n'));
		MUST(assignments_scope_within(r, a->scope, 0));
	}
}

static void read_shell(const struct locked_text *t, bool fish)
{
	struct failure f = { 0 };
	struct assignments r;

	if (shell_parse(t, fish, "/home/me", &r, &f) == 0) {
		fuzz_understood++;
		check_reading(&r, t->n);
	} else {
		MUST(f.code == FAIL_CONFIG || f.code == FAIL_TOO_LARGE);
	}
	assignments_free(&r);
}

static void read_settings(const struct locked_text *t, unsigned which)
{
	struct failure f = { 0 };
	struct assignments r;
	struct locked_text cut;
	const char *name;

	if (settings_env_parse(t, &r, &f) == 0) {
		fuzz_understood++;
		check_reading(&r, t->n);
		MUST(locked_text_new(&cut, t->n, &f) == 0);
		if (r.n > 0) {
			memcpy(cut.p, t->p, t->n);
			cut.n = t->n;
			name = r.assign[which % r.n].name;
			MUST(settings_env_remove(&cut, name));
			MUST(settings_env_only_removed(t, &cut, &cut, &name, 1));
		}
		locked_text_free(&cut);
	} else {
		MUST(f.code == FAIL_CONFIG || f.code == FAIL_TOO_LARGE);
	}
	assignments_free(&r);
}

static int read_as(char kind, const struct locked_text *t, struct assignments *r, struct failure *f)
{
	switch (kind) {
	case 'N':
		return nushell_parse(t, "/home/me", r, f);
	case 'U':
		return systemd_unit_parse(t, "/home/me", r, f);
	case 'V':
		return fish_variables_parse(t, r, f);
	case 'J':
		return json_env_parse(t, JSON_ENV_EDITOR, r, f);
	case 'C':
		return json_env_parse(t, JSON_ENV_CC_SWITCH, r, f);
	default:
		return json_env_parse(t, JSON_ENV_ROUTER, r, f);
	}
}

static void read_other(char kind, const struct locked_text *t)
{
	struct failure f = { 0 };
	struct assignments r;

	if (read_as(kind, t, &r, &f) == 0) {
		fuzz_understood++;
		check_reading(&r, t->n);
	} else {
		MUST(f.code == FAIL_CONFIG || f.code == FAIL_TOO_LARGE);
	}
	assignments_free(&r);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(fuzz_at_exit);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct locked_text t;

	if (n < 2)
		return 0;
	fuzz_inputs++;
	/* Readers of text count on a NUL behind it. */
	t.n = t.room = n - 2;
	t.p = malloc(t.n + 1);
	MUST(t.p != NULL);
	memcpy(t.p, p + 2, t.n);
	t.p[t.n] = '\0';
	if (p[0] && strchr("NUVJCR", p[0]))
		read_other((char)p[0], &t);
	else if (p[0] % 3 == 'e' % 3)
		read_settings(&t, p[1]);
	else
		read_shell(&t, p[0] % 3 == 'f' % 3);
	free(t.p);
	return 0;
}
