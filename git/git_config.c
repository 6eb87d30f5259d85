/*
 * git/git_config.c - a parser for git's configuration syntax
 * (git-config(1), "Syntax"), as far as a repository's own file needs it.
 */
#include "git/git_config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct config_reader {
	const char *p, *end;
	char section[128]; /* "core", "remote.origin"; a longer one is cut, and ignored anyway */
	char key[64];
	char value[GIT_PATH];
	size_t n;      /* bytes of value */
	bool too_long; /* value was cut */
};

/* The next character: LF for CR LF and at the end. */
static int config_next(struct config_reader *r)
{
	if (r->p < r->end && *r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n')
		r->p++;
	if (r->p >= r->end)
		return '\n';
	return (unsigned char)*r->p++;
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\t';
}

static bool is_name_char(int c)
{
	return c < 128 && (isalnum(c) || c == '-');
}

static bool append_char(char *to, size_t size, size_t *n, int c)
{
	if (*n + 1 >= size)
		return false;
	to[(*n)++] = (char)c;
	to[*n] = '\0';
	return true;
}

static int config_skip_blank(struct config_reader *r)
{
	int c = config_next(r);

	while (is_blank(c))
		c = config_next(r);
	return c;
}

/* After '[': name] or name "subsection"] */
static bool config_read_section(struct config_reader *r)
{
	size_t n = 0;
	int c;

	for (c = config_next(r); is_name_char(c) || c == '.'; c = config_next(r))
		append_char(r->section, sizeof(r->section), &n, tolower(c));
	if (c == ']')
		return n > 0;
	if (!is_blank(c) || config_skip_blank(r) != '"')
		return false;
	append_char(r->section, sizeof(r->section), &n, '.');
	for (c = config_next(r); c != '"'; c = config_next(r)) {
		if (c == '\\')
			c = config_next(r);
		if (c == '\n' || c == '\0')
			return false;
		append_char(r->section, sizeof(r->section), &n, c);
	}
	return config_next(r) == ']';
}

static bool config_read_escape(struct config_reader *r)
{
	int c = config_next(r);

	switch (c) {
	case '\n': /* the value continues on the next line */
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
	r->too_long |= !append_char(r->value, sizeof(r->value), &r->n, c);
	return true;
}

/* After '=', to the end of the line. */
static bool config_read_value(struct config_reader *r)
{
	bool quoted = false, comment = false;
	size_t kept = 0; /* length without white space at the end */
	int c;

	for (c = config_next(r); c != '\n'; c = config_next(r)) {
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
				r->too_long |= !append_char(r->value, sizeof(r->value), &r->n, c);
			continue;
		}
		if (c == '"')
			quoted = !quoted;
		else if (c != '\\')
			r->too_long |= !append_char(r->value, sizeof(r->value), &r->n, c);
		else if (!config_read_escape(r))
			return false;
		kept = r->n;
	}
	r->n = kept;
	r->value[kept] = '\0';
	return !quoted;
}

/* A variable whose first character is c: "key = value", or "key", which means true. */
static bool config_read_variable(struct config_reader *r, int c)
{
	size_t n = 0;

	r->n = 0;
	r->value[0] = r->key[0] = '\0';
	r->too_long = false;
	for (; is_name_char(c); c = config_next(r))
		append_char(r->key, sizeof(r->key), &n, tolower(c));
	if (is_blank(c))
		c = config_skip_blank(r);
	if (c == '=')
		return config_read_value(r);
	strcpy(r->value, "true");
	return c == '\n';
}

/* git's boolean, where whatever is not false is true. */
static bool parse_bool(const char *s)
{
	static const char *const no[] = { "", "no", "off", "false", "0" };
	unsigned i;

	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (strcasecmp(s, no[i]) == 0)
			return false;
	return true;
}

static void config_store(const struct config_reader *r, struct git_config *c)
{
	if (r->too_long)
		return;
	if (strcmp(r->section, "remote.origin") == 0 && strcmp(r->key, "url") == 0) {
		/* git fetches from the first URL; an empty one clears the list. */
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
			c->filemode = parse_bool(r->value);
		else if (strcmp(r->key, "symlinks") == 0)
			c->symlinks = parse_bool(r->value);
		else if (strcmp(r->key, "checkstat") == 0)
			c->whole_seconds = strcasecmp(r->value, "minimal") == 0;
	}
}

void git_config_parse(const char *text, size_t n, struct git_config *c)
{
	static struct config_reader r;
	int ch;

	c->url[0] = c->worktree[0] = '\0';
	c->hash = 20;
	c->filemode = c->symlinks = true;
	c->whole_seconds = false;
	/* A file that was cut ends within a line, perhaps within a host's name. */
	if (n >= GIT_CONFIG_MAX)
		while (n > 0 && text[n - 1] != '\n')
			n--;
	r.p = text;
	r.end = text + n;
	r.section[0] = '\0';
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* byte order mark */
		r.p += 3;
	while (r.p < r.end) {
		ch = config_next(&r);
		if (isspace(ch))
			continue;
		if (ch == '#' || ch == ';') {
			while (config_next(&r) != '\n')
				;
		} else if (ch == '[') {
			if (!config_read_section(&r))
				return;
		} else if (is_name_char(ch) && config_read_variable(&r, ch)) {
			config_store(&r, c);
		} else {
			return;
		}
	}
}
