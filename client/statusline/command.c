/*
 * client/statusline/command.c - the command of a status line: is it ours, and what ours is.
 */
#include "client/statusline/command.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/shell_word.h"

/* Seconds between two runs of the status line while the session idles: other sessions
 * spend quota too, and a run takes about a millisecond. */
#define REFRESH 10
static const char program_name[] = "ccrun-statusline";

/* The first word of a shell command, unquoted.  *length: its length as written.  false:
 * it has an expansion or an operator, so only a shell could tell. */
static bool command_first_word(const char *p, char *out, size_t size, size_t *length)
{
	const char *start = p;
	size_t n = 0;
	char quote = '\0';

	for (; *p && (quote || !strchr(" \t\n", *p)); p++) {
		if (quote && *p == quote) {
			quote = '\0';
			continue;
		}
		if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
			continue;
		}
		if (quote != '\'' && strchr("$`", *p))
			return false;
		if (!quote && strchr(";&|<>()=*?[#!", *p))
			return false;
		if (quote != '\'' && *p == '\\' && p[1])
			p++;
		if (n + 1 >= size)
			return false;
		out[n++] = *p;
	}
	out[n] = '\0';
	*length = (size_t)(p - start);
	return !quote && n > 0;
}

bool command_is_ours(const char *command, size_t *word)
{
	char path[PATH_SIZE];
	const char *base;
	size_t i;

	if (!command_first_word(command, path, sizeof(path), word))
		return false;
	/* With shell operators after it, it is somebody's own script. */
	for (i = *word; command[i]; i++)
		if (strchr(";&|<>()$`\n", command[i]))
			return false;
	base = strrchr(path, '/');
	return strcmp(base ? base + 1 : path, program_name) == 0;
}

int command_program(char *path, struct failure *f)
{
	if (path_installed("bin/ccrun-statusline", path, f) != 0)
		return -1;
	if (access(path, X_OK) == 0)
		return 0;
	return fail_errno(f, "the installation is not whole: make install again", "%s", path);
}

json_t *command_value(const char *program, struct failure *f)
{
	char quoted[PATH_SIZE];
	json_t *v;

	if (!shell_word(program, quoted, sizeof(quoted))) {
		fail_set(f, FAIL_UNSAFE_PATH, "install it where the path is UTF-8, and shorter",
			 "%.100s... cannot be a word of a command", program);
		return NULL;
	}
	v = json_pack("{s:s, s:s, s:i, s:i}", "type", "command", "command", quoted, "padding", 0,
		      "refreshInterval", REFRESH);
	if (!v)
		fail_set(f, FAIL_CONFIG, "install it where the path is UTF-8",
			 "%s cannot be written in JSON", program);
	return v;
}
