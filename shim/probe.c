/*
 * shim/probe.c - running the client once against a socket of ours.
 *
 * Which socket and addresses it honours is documented nowhere and differs by version, so
 * it is seen, not guessed from a number.
 */
#include "shim/probe.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/spawn.h"
#include "config/client/tried.h"
#include "shim/canned_answer.h"
#include "shim/confine.h"
#include "shim/relay_socket.h"
#include "shim/target.h"

#define PROBE_MS 10000	  /* a client starts in half a second; a busy machine is slower */
#define PROBE_SAID_MS 300 /* a person who waits longer is told why */
#define OUTPUT_MAX 4096
#define VARIABLES 20

struct probe {
	const struct target *target;
	char path[PATH_SIZE]; /* the target's, from the root */
	char home[PATH_SIZE]; /* the client's, for this try */
	bool isolated;	      /* it reaches no host */
	bool at_home;	      /* with the person's own directories, but for the client's */
	int64_t started;
	bool said;
	char *child; /* PATH_SIZE bytes: the program of a child that asked; or "" */
};

enum seen {
	SEEN_NO,
	SEEN_YES,
	SEEN_CHILD,  /* another process than the one that was started asked */
	SEEN_NOTHING /* no answer in time */
};

/* ---- the client ---- */

/* env[VARIABLES + 1], its strings allocated; 0 or -1 (no memory). */
static int probe_environment(const struct probe *p, const char *base_url, int place, char **env)
{
	/* Those without a directory here say where a manager of versions has its own. */
	static const char *const directories[][2] = {
		{ "HOME", "" },
		{ "XDG_CONFIG_HOME", "/config" },
		{ "XDG_CACHE_HOME", "/cache" },
		{ "XDG_DATA_HOME", "/data" },
		{ "VOLTA_HOME", NULL },
		{ "ASDF_DIR", NULL },
		{ "ASDF_DATA_DIR", NULL },
		{ "MISE_DATA_DIR", NULL },
		{ "MISE_CONFIG_DIR", NULL },
		{ "NVM_DIR", NULL },
	};
	const char *path = getenv("PATH");
	int bad = 0, n = 0;
	size_t i;

	bad |= asprintf(&env[n++], "PATH=%s", path ? path : "/usr/local/bin:/usr/bin:/bin") < 0;
	for (i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		const char *own = p->at_home ? getenv(directories[i][0]) : NULL;

		if (!p->at_home && directories[i][1])
			bad |= asprintf(&env[n++], "%s=%s%s", directories[i][0], p->home,
					directories[i][1]) < 0;
		if (own)
			bad |= asprintf(&env[n++], "%s=%s", directories[i][0], own) < 0;
	}
	bad |= asprintf(&env[n++], "CLAUDE_CONFIG_DIR=%s/claude", p->home) < 0;
	bad |= asprintf(&env[n++], "TMPDIR=%s", p->home) < 0;
	bad |= asprintf(&env[n++], "DISABLE_AUTOUPDATER=1") < 0;
	bad |= asprintf(&env[n++], "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1") < 0;
	bad |= asprintf(&env[n++], "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1") < 0;
	bad |= asprintf(&env[n++], "ANTHROPIC_UNIX_SOCKET=/proc/self/fd/%d", place) < 0;
	bad |= asprintf(&env[n++], "ANTHROPIC_BASE_URL=%s", base_url) < 0;
	bad |= asprintf(&env[n++], "ANTHROPIC_AUTH_TOKEN=placeholder") < 0;
	env[n] = NULL;
	return bad ? -1 : 0;
}

/* As a session with confine = auto, whatever the policy: it is not known yet whose it is. */
static int probe_confine(void)
{
	struct confinement c;

	return confine_plan(CONFINE_AUTO, &c, NULL) == 0 ? confine_enter(&c, NULL) : -1;
}

/* place: of the relay's socket, or -1.  Its pid, with *output to read what it prints; or -1. */
static pid_t probe_start(struct probe *p, const char *const *argv, const char *base_url, int place,
			 int *output)
{
	char *env[VARIABLES + 1] = { NULL };
	struct spawn s = { .path = p->path,
			   .argv = argv,
			   .env = env,
			   .close_others = true,
			   .all_defaults = true,
			   .unblocked = true,
			   .death_signal = SIGKILL,
			   .dir = p->home,
			   .session = true,
			   .no_network = p->isolated,
			   .marked = true,
			   .restrict_more = probe_confine,
			   .deadline = clock_now_ms() + PROBE_MS };
	int ends[2], i;
	pid_t pid = -1;

	if (spawn_pipe(ends) != 0)
		return -1;
	s.fd[0] = (struct spawn_fd){ STDIN_FILENO, SPAWN_NULL };
	s.fd[1] = (struct spawn_fd){ STDOUT_FILENO, ends[1] };
	s.fd[2] = (struct spawn_fd){ STDERR_FILENO, SPAWN_NULL };
	s.fd[3] = (struct spawn_fd){ place, place };
	s.fds = place < 0 ? 3 : 4;
	if (probe_environment(p, base_url, place, env) == 0)
		pid = spawn_start(&s);
	for (i = 0; i < VARIABLES; i++)
		free(env[i]);
	close(ends[1]);
	*output = ends[0];
	if (pid < 0)
		close(ends[0]);
	return pid;
}

/* ---- a try ---- */

/* On a terminal, say why it takes so long. */
static void probe_say(struct probe *p)
{
	if (p->said || clock_now_ms() - p->started < PROBE_SAID_MS)
		return;
	p->said = true;
	if (isatty(STDERR_FILENO))
		fputs("ccrun: trying what this claude supports (once)\n", stderr);
}

/* It is there still, and waits for its answer. */
static void probe_note_child(struct probe *p, pid_t pid)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	n = readlink(link, p->child, PATH_SIZE - 1);
	p->child[n > 0 ? n : 0] = '\0';
	if (n <= 0)
		snprintf(p->child, PATH_SIZE, "?");
}

/* Answer the client until it has printed the answer or ended. */
static enum seen probe_watch(struct probe *p, pid_t pid, int listener, int output)
{
	static struct canned server;
	struct pollfd fds[1 + CANNED_FDS];
	int64_t deadline = clock_now_ms() + PROBE_MS;
	char text[OUTPUT_MAX + 1];
	size_t n = 0;
	enum seen seen = SEEN_NOTHING;
	ssize_t got;

	canned_begin(&server, listener, pid);
	while (seen == SEEN_NOTHING && clock_now_ms() < deadline) {
		fds[0] = (struct pollfd){ .fd = output, .events = POLLIN };
		poll(fds, 1 + canned_poll(&server, fds + 1), PROBE_SAID_MS);
		probe_say(p);
		canned_serve(&server, fds + 1);
		if (server.child > 0) {
			probe_note_child(p, server.child);
			seen = SEEN_CHILD;
		}
		if (!fds[0].revents)
			continue;
		got = read(output, text + n, OUTPUT_MAX - n);
		n += got > 0 ? (size_t)got : 0;
		text[n] = '\0';
		if (strstr(text, CANNED_WORD))
			seen = SEEN_YES;
		else if (got <= 0)
			seen = SEEN_NO;
	}
	canned_end(&server);
	return seen;
}

static enum seen probe_ask(struct probe *p, const char *base_url)
{
	const char *const argv[] = { p->path, "-p", "--model", "sonnet", "hello", NULL };
	struct relay_socket s;
	enum seen seen;
	int output, status;
	pid_t pid;

	if (relay_socket_open(&s, NULL) != 0)
		return SEEN_NOTHING;
	pid = probe_start(p, argv, base_url, s.place, &output);
	if (pid < 0) {
		relay_socket_close(&s);
		return SEEN_NOTHING;
	}
	seen = probe_watch(p, pid, s.listener, output);
	kill(-pid, SIGKILL);
	spawn_wait(pid, &status);
	close(output);
	relay_socket_close(&s);
	return seen;
}

/* Can a program be started here that reaches no host? */
static bool probe_can_isolate(void)
{
	const char *argv[] = { "true", NULL };
	struct spawn s = { .path = "/bin/true", .argv = argv, .no_network = true };
	int status;
	pid_t pid = spawn_start(&s);

	if (pid > 0)
		spawn_wait(pid, &status);
	return pid > 0;
}

/*
 * Only a client that cannot reach the real api.anthropic.com is asked whether it takes
 * the socket instead: if it does not, our question would go there.
 */
static enum seen probe_run(struct probe *p, struct tried *out)
{
	enum seen seen;

	p->started = clock_now_ms();
	p->isolated = probe_can_isolate();
	seen = probe_ask(p, "http://ccrun.invalid");
	/* What only leads to the client, as a manager of versions does, looks for it at home. */
	p->at_home = seen == SEEN_NO;
	if (p->at_home)
		seen = probe_ask(p, "http://ccrun.invalid");
	out->relay = seen == SEEN_YES;
	out->first_party =
		out->relay && p->isolated && probe_ask(p, "http://api.anthropic.com") == SEEN_YES;
	return seen;
}

/* ---- its home directory ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type == FTW_DP || type == FTW_D)
		rmdir(path);
	else
		unlink(path);
	return 0;
}

/* The client is started in a directory of its own, where a path that begins at ours leads nowhere. */
static int probe_find_path(struct probe *p)
{
	const char *path = p->target->path;
	char at[PATH_SIZE] = "";
	int n;

	if (path[0] != '/' && !getcwd(at, sizeof(at)))
		return -1;
	n = snprintf(p->path, sizeof(p->path), "%s%s%s", at, at[0] ? "/" : "", path);
	return n < (int)sizeof(p->path) ? 0 : -1;
}

static int probe_make_home(struct probe *p)
{
	char dir[PATH_SIZE];
	int fd;

	if (path_of(PATH_RUNTIME, NULL, dir, NULL) != 0 ||
	    path_of(PATH_RUNTIME, "try-XXXXXX", p->home, NULL) != 0)
		return -1;
	fd = path_private_dir(dir, NULL);
	if (fd < 0)
		return -1;
	close(fd);
	return mkdtemp(p->home) ? 0 : -1;
}

bool probe_client(const struct target *t, bool may_run, struct tried *out, char child[PATH_SIZE])
{
	static struct probe p;
	enum seen seen;

	child[0] = '\0';
	if (!t->claude || !t->image.identity[0])
		return false;
	/* A session can write what is kept.  So a no, which would have the key taken into
	 * the client's memory, is tried again by each start. */
	if (tried_get(t->image.identity, out) && (out->relay || !may_run))
		return true;
	p.target = t;
	p.child = child;
	if (!may_run || probe_find_path(&p) != 0 || probe_make_home(&p) != 0)
		return false;
	seen = probe_run(&p, out);
	nftw(p.home, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (seen == SEEN_NOTHING)
		return false;
	/* Without a place to keep it, it is tried again the next time. */
	(void)tried_put(t->image.identity, out, NULL);
	return true;
}

static void probe_ask_version(struct probe *p, char out[PROBE_VERSION])
{
	const char *const argv[] = { p->path, "--version", NULL };
	char text[OUTPUT_MAX + 1];
	int output, status = 0;
	ssize_t n;
	pid_t pid = probe_start(p, argv, "http://ccrun.invalid", -1, &output);

	if (pid < 0)
		return;
	n = io_read_all(output, text, OUTPUT_MAX, clock_now_ms() + PROBE_MS);
	kill(-pid, SIGKILL);
	spawn_wait(pid, &status);
	close(output);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, " \r\n")] = '\0';
	if (strspn(text, "0123456789") == 0 || strlen(text) >= PROBE_VERSION)
		return;
	fail_sanitize(text);
	memcpy(out, text, strlen(text) + 1);
}

bool probe_version(const struct target *t, char out[PROBE_VERSION])
{
	static struct probe p;

	out[0] = '\0';
	p.target = t;
	if (probe_find_path(&p) != 0 || probe_make_home(&p) != 0)
		return false;
	p.isolated = probe_can_isolate();
	probe_ask_version(&p, out);
	/* A manager of versions looks for it at home. */
	p.at_home = !out[0];
	if (p.at_home)
		probe_ask_version(&p, out);
	nftw(p.home, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	return out[0];
}
