/*
 * shim/inside.c - a claude that a session starts works on the session's provider.
 */
#include "shim/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/fail.h"
#include "config/provider/provider.h"
#include "shim/arguments.h"
#include "shim/privileged.h"
#include "shim/session.h"

#define LAUNCHER_VARIABLE "CLAUDE_CODE_PROCESS_WRAPPER"

/* No such file, and its name is what a person reads in the client's failure. */
#define NO_SOCKET "/nonexistent/inside-a-ccrun-session-start-claude-by-that-name-or-ccrun-PROVIDER"

static bool dir_ends_in(const char *dir, size_t n, const char *end)
{
	size_t len = strlen(end);

	while (n > 0 && dir[n - 1] == '/')
		n--;
	return n > len && dir[n - len - 1] == '/' && memcmp(dir + n - len, end, len) == 0;
}

bool inside_is_dir(const char *dir, size_t n)
{
	return dir_ends_in(dir, n, INSIDE_DIR) || dir_ends_in(dir, n, CONFINED_DIR);
}

/* The name in such a directory under which this program was executed, or NULL.  argv[0] is
 * what the caller likes: a shell says "claude". */
static const char *inside_name(bool *confined)
{
	const char *path = (const char *)getauxval(AT_EXECFN), *slash;

	slash = path ? strrchr(path, '/') : NULL;
	if (!slash || !inside_is_dir(path, (size_t)(slash - path)))
		return NULL;
	*confined = dir_ends_in(path, (size_t)(slash - path), CONFINED_DIR);
	return slash + 1;
}

/*
 * The client's background service keeps a process ready for its next agent.  When that
 * becomes the agent it takes another environment and drops its placeholder, and the agent
 * says that nobody is logged in.  Where none can be kept ready the service starts agents as
 * they are asked for, and these work.
 */
static bool words_start_spare(char **argv)
{
	for (; *argv; argv++)
		if (strcmp(*argv, "--bg-spare") == 0)
			return true;
	return false;
}

static enum inside inside_parse_wrap(struct arguments *a, char **argv, struct failure *f)
{
	const char *ticket = argv[1] ? argv[2] : NULL;

	if (!ticket || !argv[3]) {
		fail_set(f, FAIL_USAGE, NULL,
			 "wrap is for claude, which takes it from " LAUNCHER_VARIABLE);
		return INSIDE_BAD;
	}
	if (strlen(ticket) != TICKET_LEN || strspn(ticket, "0123456789abcdef") != TICKET_LEN) {
		fail_set(f, FAIL_USAGE, "start claude with ccrun", "wrap was given no ticket");
		return INSIDE_BAD;
	}
	if (words_start_spare(argv + 4)) {
		fail_set(f, FAIL_POLICY, NULL, "no spare process of claude is kept by a session");
		return INSIDE_BAD;
	}
	if (arguments_set_provider(a, argv[1], f) != 0)
		return INSIDE_BAD;
	if (setenv(TICKET_VARIABLE, ticket, 1) != 0) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the environment");
		return INSIDE_BAD;
	}
	a->claude = true;
	a->program = argv[3];
	a->rest = argv + 4;
	return INSIDE_SESSION;
}

enum inside inside_parse(struct arguments *a, char **argv, struct failure *f)
{
	bool confined = false;
	const char *name = inside_name(&confined), *provider = getenv("CCRUN_PROVIDER");
	const char *mode = getenv("CCRUN_MODE");
	char word[2 * NAME_MAX_LEN + 2];

	if (!name || (!confined && strcmp(name, "claude") != 0 && strcmp(name, "wrap") != 0))
		return INSIDE_NOT;
	memset(a, 0, sizeof(*a));
	a->program = name;
	if (confined)
		return INSIDE_CONFINED;
	a->program = NULL;
	a->verbatim = true;
	if (strcmp(name, "wrap") == 0)
		return inside_parse_wrap(a, argv, f);
	a->rest = argv + 1;
	if (!getenv(TICKET_VARIABLE) || !provider)
		return INSIDE_PLAIN;
	snprintf(word, sizeof(word), "%s%s%s", provider, mode && mode[0] ? ":" : "",
		 mode ? mode : "");
	return arguments_set_provider(a, word, f) == 0 ? INSIDE_SESSION : INSIDE_BAD;
}

/* ---- what a session's environment has for that ---- */

static char *variable_add(struct inside_variables *out, const char *name)
{
	out->v[out->n].name = name;
	return out->v[out->n++].value;
}

/* Our directories, each with ':' behind it, and then what PATH is without them and their like. */
static void path_put(char *to, size_t size, const char *dirs)
{
	const char *p = getenv("PATH"), *end;
	size_t n = (size_t)snprintf(to, size, "%.*s", (int)strlen(dirs) - 1, dirs);

	for (p = p ? p : "/usr/local/bin:/usr/bin:/bin"; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, ':');
		if (!inside_is_dir(p, (size_t)(end - p)) && n < size)
			n += (size_t)snprintf(to + n, size - n, ":%.*s", (int)(end - p), p);
	}
	if (n >= size)
		to[0] = '\0';
}

/*
 * A list of words in JSON, which alone can say every path.  They name provider and ticket
 * because some of the client's workers are children of another program (a terminal
 * multiplexer, a daemon of another session) and have its environment.
 */
static void launcher_put(char *to, size_t size, const char *dir, const struct provider *p,
			 const char *ticket)
{
	size_t n = (size_t)snprintf(to, size, "[\"");
	const char *c;

	for (c = dir; *c && n + 2 < size; c++) {
		if (*c == '"' || *c == '\\')
			to[n++] = '\\';
		to[n++] = *c;
	}
	snprintf(to + n, size - n, "/wrap\",\"%s%s%s\",\"%s\"]", p->name, p->mode[0] ? ":" : "",
		 p->mode, ticket);
}

/* Append one of our directories to those for PATH.  A name with a colon cannot be there. */
static void path_add_dir(char *dirs, size_t size, const char *which)
{
	char dir[PATH_SIZE];
	size_t n = strlen(dirs);

	if (path_installed(which, dir, NULL) == 0 && !strchr(dir, ':'))
		snprintf(dirs + n, size - n, "%s:", dir);
}

void inside_variables(const struct provider *p, const struct inside_session *s,
		      struct inside_variables *out)
{
	const size_t size = sizeof(out->v[0].value);
	char dir[PATH_SIZE], dirs[2 * PATH_SIZE + 2] = "";

	out->n = 0;
	if (s->relayed && s->preloaded)
		snprintf(variable_add(out, "CCRUN_SAVED_ANTHROPIC_UNIX_SOCKET"), size, NO_SOCKET);
	/* Not in claude itself; and the library is there for it (shim/preload/hook_kill.c). */
	if (s->confined && s->preloaded)
		snprintf(variable_add(out, "CCRUN_SAVED_CCRUN_CONFINED"), size, "1");
	if (s->ticket && path_installed(INSIDE_DIR, dir, NULL) == 0) {
		launcher_put(variable_add(out, LAUNCHER_VARIABLE), size, dir, p, s->ticket);
		path_add_dir(dirs, sizeof(dirs), INSIDE_DIR);
	}
	/* Where root has no sudo, scripts look for it and do without. */
	if (s->confined && geteuid() != 0)
		path_add_dir(dirs, sizeof(dirs), CONFINED_DIR);
	if (!dirs[0])
		return;
	path_put(variable_add(out, "PATH"), size, dirs);
	/* One that is too long stays. */
	if (!out->v[out->n - 1].value[0])
		out->n--;
}
