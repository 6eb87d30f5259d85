/*
 * helpers/source/result.c - from a manager's result to a token, or to a failure that
 * says what to do.
 */
#include "helpers/source/result.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fail.h"
#include "config/source/source.h"
#include "config/source/source_seal.h"
#include "helpers/source/json_field.h"
#include "helpers/source/password_manager.h"
#include "json/locked.h"
#include "wire/names.h"
#include "wire/pasted.h"

/* Bytes for jansson: a text of MANAGER_OUTPUT_MAX bytes, doubled as it grows, and the tree. */
#define JSON_ROOM (1024 * 1024)
#define EXIT_INTERRUPTED (128 + SIGINT) /* the exit code of shells and others after Ctrl-C */

static int result_fail_cancelled(struct failure *f)
{
	return fail_set(f, FAIL_SOURCE, NULL, "it was cancelled");
}

/* An exit code other than 0: does the source file's [cancelled], [signed-out] or [missing] match? */
static int result_fail_exit_code(const struct manager_result *o, const struct source_file *s,
				 int code, struct failure *f)
{
	enum source_sign sign;

	if (!source_says(s, o->err, code, &sign))
		return fail_set(f, FAIL_SOURCE,
				"its own words are above; ccctl show NAME has the command",
				"%s failed (exit code %d)", s->title, code);
	if (sign == SIGN_CANCELLED)
		return result_fail_cancelled(f);
	if (sign == SIGN_SIGNED_OUT)
		fail_set(f, FAIL_SOURCE, "its own words are above",
			 "%s is locked, or nobody is signed in", s->title);
	else
		fail_set(f, FAIL_SOURCE, "is the reference right? ccctl keys shows it",
			 "%s has no such item", s->title);
	/* The shipped file's words, or quoted ones (source_set_words). */
	if (s->sign[sign].hint[0])
		fail_hint_text(f, s->sign[sign].hint);
	return -1;
}

int result_check(const struct manager_result *o, const struct source_file *s, const char *program,
		 unsigned seconds, struct failure *f)
{
	char waits[sizeof(s->waits) + 16];

	if (o->not_found)
		return source_not_installed(s, program, f);
	if (o->interrupted)
		return result_fail_cancelled(f);
	if (o->timed_out) {
		snprintf(waits, sizeof(waits), "%s%s", s->waits[0] == '"' ? "it says: " : "",
			 s->waits);
		fail_set(f, FAIL_SOURCE, NULL, "%s did not answer within %u s, and was ended",
			 s->title, seconds);
		/* The shipped file's words, or quoted ones (source_set_words). */
		fail_hint_text(f, waits);
		return -1;
	}
	if (o->too_large)
		return fail_set(f, FAIL_SOURCE, "is this really a token, and not a file?",
				"%s gave more than %zu bytes", s->title, o->room);
	if (WIFSIGNALED(o->status) && WTERMSIG(o->status) == SIGINT)
		return result_fail_cancelled(f);
	if (WIFSIGNALED(o->status))
		return fail_set(f, FAIL_SOURCE, "try it yourself", "%s was ended by signal %d",
				s->title, WTERMSIG(o->status));
	if (WEXITSTATUS(o->status) == EXIT_INTERRUPTED)
		return result_fail_cancelled(f);
	return WEXITSTATUS(o->status) == 0 ? 0
					   : result_fail_exit_code(o, s, WEXITSTATUS(o->status), f);
}

/* wire_token_check, with hints for a manager's output. */
static int result_check_token(const struct source_file *s, const uint8_t *p, size_t n,
			      struct failure *f)
{
	char around[PASTED_AROUND];
	struct failure why = { 0 };
	struct pasted k;

	if (n == 0)
		return fail_set(f, FAIL_SOURCE, "is the item empty?", "%s gave nothing", s->title);
	if (memchr(p, '\n', n))
		return fail_set(f, FAIL_SOURCE,
				"a token is one line; which part of it is the token? "
				"ccrun-source(5), output",
				"%s gave more than one line", s->title);
	/* A carrier is not known here: only what no kind of secret has is refused. */
	if (pasted_find(&k, p, n, "header:*", &why) == 0 && wire_token_check(p, n, &why) == 0) {
		pasted_around(&k, around);
		if (!around[0])
			return 0;
		fail_set(&why, FAIL_BAD_VALUE, "store the key alone there", "it stands in %s",
			 around);
	}
	return fail_set(f, FAIL_SOURCE, why.hint, "%s gave what is no token: %s", s->title,
			why.what);
}

static int result_read_json(const struct manager_result *o, const struct source_file *s,
			    const char *field, struct fetched *out, struct failure *f)
{
	const struct json_t *root;

	if (js_locked_begin(JSON_ROOM, f) != 0)
		return -1;
	root = js_field_parse(o->out, o->n, f);
	if (!root || js_field_text(root, field, &out->p, &out->n, f) != 0)
		return -1;
	return s->expires[0] ? js_field_end(root, s->expires, clock_wall(), &out->expires, f) : 0;
}

int result_token(const struct manager_result *o, const struct source_file *s, const char *pick,
		 struct fetched *out, struct failure *f)
{
	enum source_output output;
	const char *field;
	const uint8_t *end;

	if (source_pick(pick, &output, &field, f) != 0)
		return -1;
	*out = (struct fetched){ o->out, o->n, FIELD_NO_END };
	if (output == OUTPUT_JSON) {
		if (o->n > 0 && result_read_json(o, s, field, out, f) != 0)
			return -1;
		return result_check_token(s, out->p, out->n, f);
	}
	end = output == OUTPUT_FIRST_LINE && out->n ? memchr(out->p, '\n', out->n) : NULL;
	if (end)
		out->n = (size_t)(end - out->p);
	else if (out->n > 0 && out->p[out->n - 1] == '\n')
		out->n--;
	return result_check_token(s, out->p, out->n, f);
}
