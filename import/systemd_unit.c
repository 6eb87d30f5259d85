/*
 * import/systemd_unit.c - Environment= and EnvironmentFile= of a systemd unit
 * (systemd.exec(5), systemd.syntax(7)).
 */
#include "import/systemd_unit.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/paths.h"

struct unit {
	const char *t;
	size_t n;
	unsigned line;
	const char *home;
	struct assignments *r;
	struct failure *f;
};

/* NAME=value, which may be in quotes as a whole. */
static int unit_assign(struct unit *u, size_t at, size_t end)
{
	struct assignment *a;
	size_t n;

	if (end - at > 1 && (u->t[at] == '"' || u->t[at] == '\'') && u->t[end - 1] == u->t[at]) {
		at++;
		end--;
	}
	n = variable_name_length(u->t + at, end - at);
	if (n == 0 || n > VARIABLE_MAX_LEN || at + n >= end || u->t[at + n] != '=')
		return 0;
	a = assignments_add(u->r, u->t + at, n, u->f);
	if (!a)
		return -1;
	at += n + 1;
	a->line = u->line;
	a->at = at;
	a->end = end;
	/* An escape or a specifier: what comes of it is not told here. */
	if (memchr(u->t + at, '\\', end - at) || memchr(u->t + at, '%', end - at)) {
		a->kind = VALUE_DYNAMIC;
		return 0;
	}
	return assignments_set_text(u->r, a, u->t + at, end - at, u->f);
}

/* The words of Environment=: blanks divide them, outside of quotes. */
static int unit_environment(struct unit *u, size_t at, size_t end)
{
	size_t from;
	char quote;

	while (at < end) {
		while (at < end && strchr(" \t\r", u->t[at]))
			at++;
		for (from = at, quote = 0; at < end; at++) {
			if (!quote && strchr(" \t\r", u->t[at]))
				break;
			if (quote ? u->t[at] == quote : u->t[at] == '"' || u->t[at] == '\'')
				quote = quote ? 0 : u->t[at];
		}
		if (at > from && unit_assign(u, from, at) != 0)
			return -1;
	}
	return 0;
}

/* A path: "-" before it lets it be missing. */
static int unit_environment_file(struct unit *u, size_t at, size_t end)
{
	char path[PATH_SIZE];

	at += at < end && u->t[at] == '-';
	while (end > at && strchr(" \t\r", u->t[end - 1]))
		end--;
	if (end - at > 2 && memcmp(u->t + at, "%h", 2) == 0)
		snprintf(path, sizeof(path), "%s%.*s", u->home,
			 end - at < PATH_SIZE ? (int)(end - at) - 2 : 0, u->t + at + 2);
	else
		snprintf(path, sizeof(path), "%.*s", end - at < PATH_SIZE ? (int)(end - at) : 0,
			 u->t + at);
	return assignments_add_sourced(u->r, path, strlen(path), 0, u->f);
}

static int unit_line(struct unit *u, size_t at, size_t end)
{
	static const char *const keys[] = { "Environment", "EnvironmentFile" };
	size_t n, i;

	for (i = 0; i < 2; i++) {
		n = strlen(keys[i]);
		if (end - at <= n || memcmp(u->t + at, keys[i], n) != 0)
			continue;
		for (n += at; n < end && strchr(" \t", u->t[n]); n++)
			;
		if (n == end || u->t[n++] != '=')
			continue;
		while (n < end && strchr(" \t", u->t[n]))
			n++;
		return i ? unit_environment_file(u, n, end) : unit_environment(u, n, end);
	}
	return 0;
}

int systemd_unit_parse(const struct locked_text *t, const char *home, struct assignments *r,
		       struct failure *f)
{
	struct unit u = { t->p, t->n, 1, home, r, f };
	size_t at = 0, end, k;

	if (assignments_begin(r, t->n + 16, f) != 0)
		return -1;
	while (at < t->n) {
		end = at;
		/* A backslash at its end continues the line. */
		while (end < t->n && (t->p[end] != '\n' || (end > at && t->p[end - 1] == '\\')))
			end++;
		if (unit_line(&u, at, end) != 0)
			return -1;
		for (k = at; k < end; k++)
			u.line += t->p[k] == '\n';
		u.line++;
		at = end + 1;
	}
	return 0;
}
