/*
 * statusline/git_config.c - the few things that a repository's own
 * configuration says about it, in git's syntax.  Not the user's configuration, no
 * includes, nothing that is a command.
 */
#include "statusline/git_parts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct reader {
	const char *p, *end;
	char section[128]; /* "core", "remote.origin"; longer ones are cut, and none of ours */
	char key[64];
	char value[GIT_PATH];
	size_t n;	/* of value */
	bool too_long;
};

/* The next character; the end counts as a line's, CR LF as LF. */
static int next(struct reader *r)
{
	if (r->p < r->end && *r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n')
		r->p++;
	if (r->p >= r->end)
		return '\n';
	return (unsigned char)*r->p++;
}

static bool blank(int c)
{
	return c == ' ' || c == '\t';
}

static bool word_char(int c)
{
	return c < 128 && (isalnum(c) || c == '-');
}

static bool add(char *to, size_t size, size_t *n, int c)
{
	if (*n + 1 >= size)
		return false;
	to[(*n)++] = (char)c;
	to[*n] = '\0';
	return true;
}

static int skip_blank(struct reader *r)
{
	int c = next(r);

	while (blank(c))
		c = next(r);
	return c;
}

/* After '[': name] or name "sub"] */
static bool section(struct reader *r)
{
	size_t n = 0;
	int c;

	for (c = next(r); word_char(c) || c == '.'; c = next(r))
		add(r->section, sizeof(r->section), &n, tolower(c));
	if (c == ']')
		return n > 0;
	if (!blank(c) || skip_blank(r) != '"')
		return false;
	add(r->section, sizeof(r->section), &n, '.');
	for (c = next(r); c != '"'; c = next(r)) {
		if (c == '\\')
			c = next(r);
		if (c == '\n' || c == '\0')
			return false;
		add(r->section, sizeof(r->section), &n, c);
	}
	return next(r) == ']';
}

static bool escaped(struct reader *r)
{
	int c = next(r);

	switch (c) {
	case '\n': /* goes on in the next line */
		return r->p < r->end;
	case 't':
		c = '\t';
		break;
	case 'n':
		c = '\n';
		break;
	case 'b':
		c = '\b';
		break;
	case '\\':
	case '"':
		break;
	default:
		return false;
	}
	r->too_long |= !add(r->value, sizeof(r->value), &r->n, c);
	return true;
}

/* After '='. */
static bool value(struct reader *r)
{
	bool quoted = false, comment = false;
	size_t kept = 0; /* up to here there is more than white space */
	int c;

	for (c = next(r); c != '\n'; c = next(r)) {
		if (c == '\0')
			return false;
		if (comment)
			continue;
		if (!quoted && (c == '#' || c == ';')) {
			comment = true;
			continue;
		}
		if (!quoted && isspace(c)) {
			if (r->n > 0)
				r->too_long |= !add(r->value, sizeof(r->value), &r->n, c);
			continue;
		}
		if (c == '"')
			quoted = !quoted;
		else if (c != '\\')
			r->too_long |= !add(r->value, sizeof(r->value), &r->n, c);
		else if (!escaped(r))
			return false;
		kept = r->n;
	}
	r->n = kept;
	r->value[kept] = '\0';
	return !quoted;
}

/* key = value; a key alone means true. */
static bool pair(struct reader *r, int c)
{
	size_t n = 0;

	r->n = 0;
	r->value[0] = r->key[0] = '\0';
	r->too_long = false;
	for (; word_char(c); c = next(r))
		add(r->key, sizeof(r->key), &n, tolower(c));
	if (blank(c))
		c = skip_blank(r);
	if (c == '=')
		return value(r);
	strcpy(r->value, "true");
	return c == '\n';
}

static bool truth(const char *s)
{
	static const char *const no[] = { "", "no", "off", "false", "0" };
	unsigned i;

	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (strcasecmp(s, no[i]) == 0)
			return false;
	return true;
}

static void take(const struct reader *r, struct git_config *c)
{
	if (r->too_long)
		return;
	if (strcmp(r->section, "remote.origin") == 0 && strcmp(r->key, "url") == 0) {
		/* The first is fetched from; an empty one takes back those before it. */
		if (r->value[0] == '\0')
			c->url[0] = '\0';
		else if (c->url[0] == '\0' && strlen(r->value) < sizeof(c->url))
			strcpy(c->url, r->value);
	} else if (strcmp(r->section, "extensions") == 0 && strcmp(r->key, "objectformat") == 0) {
		c->hash = strcasecmp(r->value, "sha256") == 0 ? 32 : 20;
	} else if (strcmp(r->section, "core") == 0) {
		if (strcmp(r->key, "worktree") == 0)
			strcpy(c->worktree, r->value);
		else if (strcmp(r->key, "filemode") == 0)
			c->filemode = truth(r->value);
		else if (strcmp(r->key, "symlinks") == 0)
			c->symlinks = truth(r->value);
		else if (strcmp(r->key, "checkstat") == 0)
			c->coarse = strcasecmp(r->value, "minimal") == 0;
	}
}

void git_config_parse(const char *text, size_t n, struct git_config *c)
{
	static struct reader r;
	int ch;

	c->url[0] = c->worktree[0] = '\0';
	c->hash = 20;
	c->filemode = c->symlinks = true;
	c->coarse = false;
	/* What is cut off ends in the middle of a line, perhaps of a host's name. */
	if (n >= GIT_CONFIG_MAX)
		while (n > 0 && text[n - 1] != '\n')
			n--;
	r.p = text;
	r.end = text + n;
	r.section[0] = '\0';
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r.p += 3;
	while (r.p < r.end) {
		ch = next(&r);
		if (isspace(ch))
			continue;
		if (ch == '#' || ch == ';') {
			while (next(&r) != '\n')
				;
		} else if (ch == '[') {
			if (!section(&r))
				return;
		} else if (word_char(ch) && pair(&r, ch)) {
			take(&r, c);
		} else {
			return;
		}
	}
}
