/*
 * config/source/command.c - a command as one line of text, and the words that it is.
 */
#include "config/source/command.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

static bool command_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Copy one word from *in to *out, without its quotes, and move both on.  False when a
 * quote is not closed, or nothing follows a backslash.
 */
static bool command_parse_word(const char **in, char **out)
{
	const char *s = *in;
	char *to = *out, quote = '\0';

	for (; *s && (quote || !command_is_blank(*s)); s++) {
		if (*s == quote) {
			quote = '\0';
		} else if (!quote && (*s == '\'' || *s == '"')) {
			quote = *s;
		} else if (*s == '\\' && quote != '\'' && (!quote || s[1] == '"' || s[1] == '\\')) {
			if (!*++s)
				return false;
			*to++ = *s;
		} else {
			*to++ = *s;
		}
	}
	*to++ = '\0';
	*in = s;
	*out = to;
	return !quote;
}

int command_split(const char *line, struct command_words *out, struct failure *f)
{
	char *to;

	memset(out, 0, sizeof(*out));
	/* Each word has a blank or the end behind it, where its NUL goes. */
	out->text = to = malloc(strlen(line) + 2);
	if (!to)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a command");
	for (;;) {
		while (command_is_blank(*line))
			line++;
		if (!*line)
			break;
		if (out->n == COMMAND_WORDS_MAX) {
			fail_set(f, FAIL_BAD_VALUE, NULL, "a command of more than %d words",
				 COMMAND_WORDS_MAX);
			goto bad;
		}
		out->v[out->n++] = to;
		if (!command_parse_word(&line, &to)) {
			fail_set(f, FAIL_BAD_VALUE,
				 "quotes are '...' or \"...\"; a backslash keeps the next "
				 "character",
				 "a quote is not closed");
			goto bad;
		}
	}
	if (out->n > 0)
		return 0;
	fail_set(f, FAIL_BAD_VALUE, NULL, "a command has at least one word");
bad:
	command_free(out);
	return -1;
}

void command_free(struct command_words *w)
{
	free(w->text);
	memset(w, 0, sizeof(*w));
}

/* Can the word stand without quotes? */
static bool word_is_plain(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (command_is_blank(*s) || *s == '\'' || *s == '"' || *s == '\\')
			return false;
	return true;
}

/* A line that is being written. */
struct command_line {
	char *p;
	size_t n, size; /* n may pass size: then it did not fit */
};

static void line_put(struct command_line *l, char c)
{
	if (l->n < l->size)
		l->p[l->n] = c;
	l->n++;
}

static void line_put_word(struct command_line *l, const char *s)
{
	bool quotes = !word_is_plain(s);

	if (quotes)
		line_put(l, '"');
	for (; *s; s++) {
		if (quotes && (*s == '"' || *s == '\\'))
			line_put(l, '\\');
		line_put(l, *s);
	}
	if (quotes)
		line_put(l, '"');
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written through l */
int command_format(const char *const *v, unsigned n, char *out, size_t size, struct failure *f)
{
	struct command_line l = { out, 0, size };
	unsigned i;

	for (i = 0; i < n; i++) {
		if (i > 0)
			line_put(&l, ' ');
		line_put_word(&l, v[i]);
	}
	line_put(&l, '\0');
	if (l.n <= size)
		return 0;
	return fail_set(f, FAIL_TOO_LARGE, NULL, "a command of more than %zu bytes", size - 1);
}
