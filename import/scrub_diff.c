/*
 * import/scrub_diff.c - a change of a file as it is shown: lines with - and +.
 */
#include "import/scrub_diff.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "import/secret_fragments.h"

#define SHOWN_LINE 160 /* characters of a line */
#define LOOK_AHEAD 64  /* lines that may be gone in one place */

static size_t text_line_end(const struct locked_text *t, size_t at)
{
	const char *nl = memchr(t->p + at, '\n', t->n - at);

	return nl ? (size_t)(nl - t->p) : t->n;
}

static void diff_print_line(const struct import *im, char sign, const struct locked_text *t,
			    size_t at)
{
	size_t end = text_line_end(t, at), i, shown = 0;
	struct fragment p = fragment_next(im, FRAGMENTS_SHOWN, t->p, at, end);
	char buf[SHOWN_LINE + 32];
	unsigned control;
	size_t n = 0;

	for (i = at; i < end && shown < SHOWN_LINE; shown++) {
		if (i == p.at) {
			memset(buf + n, '*', 4);
			n += 4;
			i = p.end;
			p = fragment_next(im, FRAGMENTS_SHOWN, t->p, i, end);
			continue;
		}
		if (n >= SHOWN_LINE)
			break;
		control = t->p[i] == '\t' ? 0 : utf8_control(t->p + i, end - i);
		buf[n++] = control ? '?' : t->p[i];
		i += control ? control : 1;
	}
	printf("%c%.*s%s\n", sign, (int)n, buf, i < end ? "..." : "");
}

static bool text_lines_equal(const struct locked_text *a, size_t at, const struct locked_text *b,
			     size_t bt)
{
	size_t ae = text_line_end(a, at), be = text_line_end(b, bt);

	return ae - at == be - bt && memcmp(a->p + at, b->p + bt, ae - at) == 0;
}

static size_t text_next_line(const struct locked_text *t, size_t at)
{
	size_t end = text_line_end(t, at);

	return end < t->n ? end + 1 : t->n;
}

void scrub_diff_print(const struct import *im, const struct locked_text *old,
		      const struct locked_text *fresh)
{
	size_t a = 0, b = 0, look;
	unsigned k;

	while (a < old->n || b < fresh->n) {
		if (a < old->n && b < fresh->n && text_lines_equal(old, a, fresh, b)) {
			a = text_next_line(old, a);
			b = text_next_line(fresh, b);
			continue;
		}
		for (k = 0, look = a; k < LOOK_AHEAD && look < old->n;
		     k++, look = text_next_line(old, look))
			if (b < fresh->n && k > 0 && text_lines_equal(old, look, fresh, b))
				break;
		if (b < fresh->n && look < old->n && k < LOOK_AHEAD) {
			for (; a < look; a = text_next_line(old, a))
				diff_print_line(im, '-', old, a);
			continue;
		}
		if (a < old->n)
			diff_print_line(im, '-', old, a);
		if (b < fresh->n)
			diff_print_line(im, '+', fresh, b);
		a = a < old->n ? text_next_line(old, a) : a;
		b = b < fresh->n ? text_next_line(fresh, b) : b;
	}
}
