/*
 * client/statusline/claude_settings_edit.c - an edit of settings.json: checked before it is
 * written, and shown.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/utf8.h"
#include "client/statusline/json_text.h"
#include "client/statusline/claude_settings_edit.h"

/* ---- checking ---- */

static bool as_wanted(const json_t *before, const json_t *after, const json_t *wanted)
{
	json_t *a = json_copy((json_t *)(uintptr_t)before), *b = json_copy((json_t *)(uintptr_t)after);
	const json_t *now = json_object_get(after, "statusLine");
	bool same = a && b && (wanted ? now && json_equal(now, wanted) : !now);

	if (same) {
		json_object_del(a, "statusLine");
		json_object_del(b, "statusLine");
		same = json_equal(a, b);
	}
	json_decref(a);
	json_decref(b);
	return same;
}

char *edit_checked(const struct settings *s, const char *base, size_t base_n, const struct jt_edit *e,
		   const json_t *wanted, size_t *n, struct failure *f)
{
	char *text = jt_apply(base, base_n, e, n);
	json_t *after;
	bool good;

	if (!text) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
		return NULL;
	}
	after = json_loadb(text + s->body, *n - s->body, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	good = json_is_object(after) && as_wanted(s->root, after, wanted);
	json_decref(after);
	if (good)
		return text;
	io_wipe(text, *n);
	free(text);
	fail_set(f, FAIL_CONFIG, "edit it by hand", "%s could not be edited safely: left as it is", s->path);
	return NULL;
}

/* ---- showing ---- */

/* Print a line of a file; a control character other than a tab as "?". */
static void put_line(char sign, const char *p, size_t n)
{
	unsigned len;

	fputc(sign, stderr);
	for (; n; p += len, n -= len) {
		len = *p == '\t' ? 0 : utf8_control(p, n);
		fputc(len ? '?' : *p, stderr);
		len = len ? len : 1;
	}
	fputc('\n', stderr);
}

struct lines {
	const char *p, *end;
	unsigned first; /* number of the first */
};

/* The next line of it, without its end; false: there is none. */
static bool next_line(struct lines *l, const char **line, size_t *n)
{
	const char *nl;

	if (!l->p || l->p >= l->end)
		return false;
	nl = memchr(l->p, '\n', (size_t)(l->end - l->p));
	*line = l->p;
	*n = (size_t)((nl ? nl : l->end) - l->p);
	l->p = nl ? nl + 1 : l->end;
	if (*n > 0 && (*line)[*n - 1] == '\r')
		--*n;
	return true;
}

/* The member's text, from the start of its line when nothing else is on it. */
static struct lines member_lines(const char *text, size_t n, size_t body)
{
	struct lines l = { NULL, NULL, 0 };
	struct jt_object o;
	size_t i, from;

	if (!text || jt_look(text, n, body, "statusLine", &o) != 0 || !o.found)
		return l;
	for (from = o.hit.key; from > 0 && strchr(" \t", text[from - 1]); from--)
		;
	if (from > 0 && text[from - 1] != '\n')
		from = o.hit.key;
	l.p = text + from;
	l.end = text + o.hit.value_end;
	for (l.first = 1, i = 0; i < o.hit.key; i++)
		l.first += text[i] == '\n';
	return l;
}

static unsigned count(struct lines l)
{
	const char *line;
	unsigned k = 0;
	size_t n;

	while (next_line(&l, &line, &n))
		k++;
	return k;
}

/* Lines at the start that are the same in both; both move on. */
static void same_start(struct lines *a, struct lines *b)
{
	struct lines x = *a, y = *b;
	const char *p, *q;
	size_t n, m;

	while (next_line(&x, &p, &n) && next_line(&y, &q, &m) && n == m && memcmp(p, q, n) == 0) {
		put_line(' ', p, n);
		*a = x;
		*b = y;
	}
}

void edit_show(const struct settings *s, const char *text, size_t n)
{
	struct lines a = member_lines(s->text, s->n, s->body), b = member_lines(text, n, s->body);
	const char *line;
	size_t len;

	fprintf(stderr, "--- %s\n+++ %s\n", s->there ? s->path : "/dev/null", s->path);
	fprintf(stderr, "@@ -%u,%u +%u,%u @@\n", a.first, count(a), b.first, count(b));
	same_start(&a, &b);
	while (next_line(&a, &line, &len))
		put_line('-', line, len);
	while (next_line(&b, &line, &len))
		put_line('+', line, len);
}

void edit_paste(const json_t *value)
{
	json_t *o = json_pack("{s:O}", "statusLine", value);
	char *text = o ? json_dumps(o, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
	size_t n = text ? strlen(text) : 0;

	/* Without the braces around it: it goes in between others. */
	if (n > 4)
		fprintf(stderr, "to paste into it:\n%.*s\n", (int)(n - 4), text + 2);
	free(text);
	json_decref(o);
}
