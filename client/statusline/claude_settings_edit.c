/*
 * client/statusline/claude_settings_edit.c - an edit of Claude Code's settings, checked
 * and shown.
 */
#include "client/statusline/claude_settings_edit.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/utf8.h"
#include "client/statusline/claude_settings.h"
#include "client/statusline/json_text.h"

/* ---- checking ---- */

/* Is statusLine as wanted, and everything else as it was? */
static bool edit_changes_only(const json_t *before, const json_t *after, const json_t *wanted)
{
	json_t *a = json_copy((json_t *)(uintptr_t)before),
	       *b = json_copy((json_t *)(uintptr_t)after);
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

char *claude_settings_edited(const struct claude_settings *s, const char *base, size_t base_n,
			     const struct jt_edit *e, const json_t *wanted, size_t *n,
			     struct failure *f)
{
	char *text = jt_apply(base, base_n, e, n);
	json_t *after;
	bool good;

	if (!text) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
		return NULL;
	}
	after = json_loadb(text + s->body, *n - s->body, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
			   NULL);
	good = json_is_object(after) && edit_changes_only(s->root, after, wanted);
	json_decref(after);
	if (good)
		return text;
	io_wipe(text, *n);
	free(text);
	fail_set(f, FAIL_CONFIG, "edit it by hand", "%s could not be edited safely: left as it is",
		 s->path);
	return NULL;
}

/* ---- showing ---- */

/* Print a line of a file; a control character other than a tab as "?". */
static void diff_put_line(char sign, const char *p, size_t n)
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

struct diff_lines {
	const char *p, *end;
	unsigned first; /* line number of the first */
};

/* Take the next line, without its end.  false: there is none. */
static bool diff_next_line(struct diff_lines *l, const char **line, size_t *n)
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
static struct diff_lines diff_member_lines(const char *text, size_t n, size_t body)
{
	struct diff_lines l = { NULL, NULL, 0 };
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

static unsigned diff_count_lines(struct diff_lines l)
{
	const char *line;
	unsigned k = 0;
	size_t n;

	while (diff_next_line(&l, &line, &n))
		k++;
	return k;
}

/* Print the lines at the start that are the same in both, and skip them. */
static void diff_skip_same(struct diff_lines *a, struct diff_lines *b)
{
	struct diff_lines x = *a, y = *b;
	const char *p, *q;
	size_t n, m;

	while (diff_next_line(&x, &p, &n) && diff_next_line(&y, &q, &m) && n == m &&
	       memcmp(p, q, n) == 0) {
		diff_put_line(' ', p, n);
		*a = x;
		*b = y;
	}
}

void claude_settings_show_edit(const struct claude_settings *s, const char *text, size_t n)
{
	struct diff_lines a = diff_member_lines(s->text, s->n, s->body),
			  b = diff_member_lines(text, n, s->body);
	const char *line;
	size_t len;

	/* Behind which line it is added, or was. */
	if (s->there && !a.p && b.first > 0)
		a.first = b.first - 1;
	if (!b.p && a.first > 0)
		b.first = a.first - 1;
	fprintf(stderr, "--- %s\n+++ %s\n", s->there ? s->path : "/dev/null", s->path);
	fprintf(stderr, "@@ -%u,%u +%u,%u @@\n", a.first, diff_count_lines(a), b.first,
		diff_count_lines(b));
	diff_skip_same(&a, &b);
	while (diff_next_line(&a, &line, &len))
		diff_put_line('-', line, len);
	while (diff_next_line(&b, &line, &len))
		diff_put_line('+', line, len);
}

void claude_settings_show_paste(const json_t *value)
{
	json_t *o = json_pack("{s:O}", "statusLine", value);
	char *text = o ? json_dumps(o, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
	size_t n = text ? strlen(text) : 0;

	/* Without the braces: it is pasted among other members. */
	if (n > 4)
		fprintf(stderr, "to paste into it:\n%.*s\n", (int)(n - 4), text + 2);
	free(text);
	json_decref(o);
}
