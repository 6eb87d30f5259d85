/*
 * statusline/redirect.c - the project's settings read as hostile input.
 *
 * They are part of a repository, and a repository may name another endpoint,
 * another credential, or a program that prints one.
 */
#include "statusline/redirect.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"
#include "config/provider/variables.h"

#define SETTINGS_MAX ((size_t)256 * 1024) /* bytes; nobody writes so many by hand */

struct tries {
	bool any;   /* it routes or authenticates */
	bool blind; /* it names what ccrun's own programs go by, so that they would not see it */
};

/* A model is a choice within a provider; all the rest decides about the provider. */
static bool routes(const char *name)
{
	if (fnmatch("*MODEL*", name, 0) == 0 || strcmp(name, "CLAUDE_CODE_MAX_CONTEXT_TOKENS") == 0)
		return false;
	return variable_routes_client(name);
}

static void look_at(const json_t *root, struct tries *out)
{
	const char *name;
	json_t *value;

	if (json_is_string(json_object_get(root, "apiKeyHelper")))
		out->any = true;
	json_object_foreach(json_object_get(root, "env"), name, value) {
		if (!routes(name))
			continue;
		out->any = true;
		if (strncmp(name, "CCRUN_", 6) == 0 ||
		    strcmp(name, "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST") == 0)
			out->blind = true;
	}
}

/* What the client may understand and we do not: do these bytes look like it? */
static bool suspicious(const char *text, size_t n)
{
	return memmem(text, n, "ANTHROPIC_", 10) || memmem(text, n, "CLAUDE_CODE_", 12) ||
	       memmem(text, n, "CCRUN_", 6) || memmem(text, n, "apiKeyHelper", 12) ||
	       memmem(text, n, "\\u", 2);
}

/* At most SETTINGS_MAX + 1 bytes of a regular file; -1 when there is none. */
static ssize_t read_settings(const char *project, const char *leaf, char *text)
{
	char path[PATH_SIZE + 32];
	struct stat st;
	ssize_t n = -1;
	int fd;

	if (snprintf(path, sizeof(path), "%s/.claude/%s", project, leaf) >= (int)sizeof(path))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, text, SETTINGS_MAX + 1);
	close(fd);
	return n;
}

static struct tries look(const char *project, const char *leaf)
{
	static char text[SETTINGS_MAX + 1];
	struct tries found = { false, false };
	json_t *root;
	ssize_t got = read_settings(project, leaf, text);
	size_t n = got < 0 ? 0 : (size_t)got;

	/* A repository could hide what it tries behind a heap of other things. */
	if (n > SETTINGS_MAX)
		found.any = true;
	/* Most settings have neither word, and need no parsing (a word may be
	 * written with escapes). */
	if (n > SETTINGS_MAX || (!memmem(text, n, "\"env\"", 5) && !memmem(text, n, "apiKeyHelper", 12) &&
				 !memchr(text, '\\', n)))
		return found;
	root = json_loadb(text, n, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
	if (root)
		look_at(root, &found);
	else
		found.any = suspicious(text, n);
	json_decref(root);
	return found;
}

enum redirect redirect_look(const char *project, bool pinned)
{
	struct tries shared, local;

	if (!project[0])
		return REDIRECT_NONE;
	shared = look(project, "settings.json");
	local = look(project, "settings.local.json");
	/* What would make us believe that the provider is pinned takes that word away. */
	if (shared.blind || local.blind)
		return REDIRECT_ON;
	if (pinned)
		return shared.any || local.any ? REDIRECT_IGNORED : REDIRECT_NONE;
	/* The local file is the person's own. */
	return shared.any ? REDIRECT_ON : REDIRECT_NONE;
}
