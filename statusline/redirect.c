/*
 * statusline/redirect.c - reads the project's Claude Code settings as hostile input.
 *
 * They are part of a repository, and may set another endpoint, another credential,
 * or a program that prints one (apiKeyHelper).
 */
#include "statusline/redirect.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/paths.h"
#include "config/provider/variables.h"

#define SETTINGS_MAX ((size_t)256 * 1024) /* bytes; far more than anyone writes by hand */

struct redirect_attempt {
	bool any;    /* it sets an endpoint or a credential */
	bool spoofs; /* it sets variables that this program itself relies on */
};

/* Does the variable decide where requests go?  (A model is a choice within a provider.) */
static bool variable_redirects(const char *name)
{
	if (fnmatch("*MODEL*", name, 0) == 0 || strcmp(name, "CLAUDE_CODE_MAX_CONTEXT_TOKENS") == 0)
		return false;
	return variable_routes_client(name);
}

static void attempt_from_json(const json_t *root, struct redirect_attempt *out)
{
	const char *name;
	json_t *value;

	if (json_is_string(json_object_get(root, "apiKeyHelper")))
		out->any = true;
	json_object_foreach(json_object_get(root, "env"), name, value)
	{
		if (!variable_redirects(name))
			continue;
		out->any = true;
		if (strncmp(name, "CCRUN_", 6) == 0 ||
		    strcmp(name, "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST") == 0)
			out->spoofs = true;
	}
}

/* For settings that jansson cannot parse, but perhaps the client can. */
static bool text_mentions_redirect(const char *text, size_t n)
{
	return memmem(text, n, "ANTHROPIC_", 10) || memmem(text, n, "CLAUDE_CODE_", 12) ||
	       memmem(text, n, "CCRUN_", 6) || memmem(text, n, "apiKeyHelper", 12) ||
	       memmem(text, n, "\\u", 2);
}

/* At most SETTINGS_MAX + 1 bytes of a regular file; -1 when there is none. */
static ssize_t project_settings_read(const char *project, const char *leaf, char *text)
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
		n = io_read_known(fd, text, SETTINGS_MAX + 1, st.st_size);
	close(fd);
	return n;
}

static struct redirect_attempt attempt_read(const char *project, const char *leaf)
{
	static char text[SETTINGS_MAX + 1];
	struct redirect_attempt found = { false, false };
	json_t *root;
	ssize_t got = project_settings_read(project, leaf, text);
	size_t n = got < 0 ? 0 : (size_t)got;

	/* Too large to be checked: a repository could hide the attempt in it. */
	if (n > SETTINGS_MAX)
		found.any = true;
	/* Most settings have neither key and need no parsing.  (With a backslash, a key
	 * may be written with escapes.) */
	if (n > SETTINGS_MAX || (!memmem(text, n, "\"env\"", 5) &&
				 !memmem(text, n, "apiKeyHelper", 12) && !memchr(text, '\\', n)))
		return found;
	root = json_loadb(text, n, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
	if (root)
		attempt_from_json(root, &found);
	else
		found.any = text_mentions_redirect(text, n);
	json_decref(root);
	return found;
}

enum redirect redirect_detect(const char *project, bool pinned)
{
	struct redirect_attempt shared, local;

	if (!project[0])
		return REDIRECT_NONE;
	shared = attempt_read(project, "settings.json");
	local = attempt_read(project, "settings.local.json");
	/* The settings could have set the very variables that say "pinned". */
	if (shared.spoofs || local.spoofs)
		return REDIRECT_ON;
	if (pinned)
		return shared.any || local.any ? REDIRECT_IGNORED : REDIRECT_NONE;
	/* settings.local.json is not shared: the user's own choice. */
	return shared.any ? REDIRECT_ON : REDIRECT_NONE;
}
