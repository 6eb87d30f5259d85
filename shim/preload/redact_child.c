/*
 * redact_child.c - what a child may see: the environment without secrets, and the
 * arguments with secrets masked.
 *
 * Runs in vfork children, whose memory is the parent's: reads the session and
 * the caller's arrays, writes into the memory that it is given, nothing else.
 */
#include <string.h>
#include "shim/preload/preload.h"

extern char **environ;

struct scratch {
	char *at;
	size_t left;
};

static void *take(struct scratch *s, size_t n)
{
	void *p = s->at;

	if (n > s->left)
		return NULL;
	s->at += n;
	s->left -= n;
	return p;
}

static bool holds(const char *s, size_t n, const struct secret *k)
{
	if (k->len < SECRET_SHORT)
		return n == k->len && memcmp(s, k->value, n) == 0;
	return n >= k->len && memmem(s, n, k->value, k->len) != NULL;
}

static bool dirty(const char *s, size_t n)
{
	for (size_t i = 0; i < session.secrets; i++)
		if (holds(s, n, &session.secret[i]))
			return true;
	return false;
}

static bool is_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* May this "NAME=value" go to a child? */
static bool kept(const char *e, bool carry)
{
	const char *end = strchrnul(e, '=');
	const char *value = *end ? end + 1 : end;
	size_t name_len = (size_t)(end - e), len = strlen(value);

	if (is_prefix(e, FD_PREFIX) || is_prefix(e, SAVED_PREFIX))
		return false;
	/* Ours is never a child's.  A session that goes on in a new image needs
	 * ours, and one LD_PRELOAD only: the loader takes the first. */
	if (session.preload && (strcmp(e, session.preload) == 0 ||
				(carry && is_prefix(e, PRELOAD_PREFIX))))
		return false;
	for (size_t i = 0; i < session.secrets; i++)
		if (session.secret[i].name_len == name_len &&
		    memcmp(session.secret[i].name, e, name_len) == 0)
			return false;
	return !dirty(value, len) && !dirty(e, name_len);
}

/* Does one of the n entries define the variable of "NAME=value"? */
static bool defined(char *const *env, size_t n, const char *entry)
{
	size_t len = (size_t)(strchrnul(entry, '=') - entry);

	for (size_t i = 0; i < n; i++)
		if (strncmp(env[i], entry, len) == 0 && env[i][len] == '=')
			return true;
	return false;
}

static size_t count(char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

/* 0 or -1. */
static int strip_env(const struct program *in, struct scratch *s, struct program *out)
{
	size_t n = count(in->envp), at = 0;
	const char **env = take(s, (n + session.saved_count + 3) * sizeof(*env));

	if (!env)
		return -1;
	for (size_t i = 0; i < n && in->envp[i]; i++)
		if (kept(in->envp[i], in->carry))
			env[at++] = in->envp[i];
	if (in->carry) {
		env[at++] = session.preload;
		if (session.fd >= 0)
			env[at++] = session.ticket;
		memcpy(env + at, session.saved, session.saved_count * sizeof(*env));
		at += session.saved_count;
	} else {
		size_t given = at;

		for (size_t i = 0; i < session.saved_count; i++) {
			const char *back = session.saved[i] + strlen(SAVED_PREFIX);

			if (kept(back, false) && !defined((char *const *)env, given, back))
				env[at++] = back;
		}
	}
	env[at] = NULL;
	out->envp = (char *const *)env;
	return 0;
}

/* A copy of s with every secret in it as x's; overlapping ones too. */
static char *mask(const char *s, size_t n, struct scratch *to)
{
	char *out = take(to, n + 1);

	if (!out)
		return NULL;
	memcpy(out, s, n);
	out[n] = '\0';
	for (size_t i = 0; i < session.secrets; i++) {
		const struct secret *k = &session.secret[i];
		const char *hit = s;

		if (!holds(s, n, k))
			continue;
		if (k->len < SECRET_SHORT) {
			memset(out, 'x', n);
			continue;
		}
		while ((hit = memmem(hit, (size_t)(s + n - hit), k->value, k->len)) != NULL) {
			memset(out + (hit - s), 'x', k->len);
			hit++;
		}
	}
	return out;
}

static bool argv_dirty(char *const *argv)
{
	for (; argv && *argv; argv++)
		if (dirty(*argv, strlen(*argv)))
			return true;
	return false;
}

static int strip_argv(const struct program *in, struct scratch *s, struct program *out)
{
	size_t n = count(in->argv);
	char **argv;

	out->argv = in->argv;
	if (!argv_dirty(in->argv))
		return 0;
	argv = take(s, (n + 1) * sizeof(*argv));
	if (!argv)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(in->argv[i]);

		argv[i] = dirty(in->argv[i], len) ? mask(in->argv[i], len, s) : in->argv[i];
		if (!argv[i])
			return -1;
	}
	argv[n] = NULL;
	out->argv = argv;
	return 0;
}

size_t strip_size(const struct program *in)
{
	size_t size = (count(in->envp) + session.saved_count + 3) * sizeof(char *);

	if (argv_dirty(in->argv)) {
		size += (count(in->argv) + 1) * sizeof(char *);
		for (char *const *a = in->argv; *a; a++)
			if (dirty(*a, strlen(*a)))
				size += strlen(*a) + 1;
	}
	if (in->path && dirty(in->path, strlen(in->path)))
		size += strlen(in->path) + 1;
	return size;
}

int strip(const struct program *in, void *mem, size_t size, struct program *out)
{
	struct scratch s = {.at = mem, .left = size};

	*out = *in;
	if (strip_env(in, &s, out) != 0 || strip_argv(in, &s, out) != 0)
		return -1;
	if (in->path && dirty(in->path, strlen(in->path))) {
		out->path = mask(in->path, strlen(in->path), &s);
		if (!out->path)
			return -1;
	}
	return 0;
}

const char *environ_value(const char *name)
{
	size_t n = strlen(name);

	for (char **e = environ; e && *e; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}
