/*
 * helpers/usage/main.c - ccrun-usage: fetches the quota of one provider for the
 * status lines of one session, and sends it to the broker.  It ends with the session
 * (descriptor 3 is a pidfd of it) or with the broker.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "helpers/helper_cage.h"
#include "helpers/usage/usage_kind.h"
#include "helpers/usage/worker.h"
#include "sandbox/deny_list.h"
#include "vault/arena.h"
#include "wire/limits.h"
#include "wire/names.h"
#include "wire/usage_place.h"

#define PROGRAM "ccrun-usage"

static const char usage_text[] =
	"usage: " PROGRAM " --kind KIND (--entry NAME | --own [--name NAME])\n\n"
	"Fetches how much of a provider's quota is used, when a status line wants to know,\n"
	"and leaves the numbers with the broker.  ccrun starts it, with a pidfd of the\n"
	"session as descriptor 3, and it ends with that.\n\n"
	"  --kind KIND   what to ask, and how to read the answer:\n"
	"                ";

static int print_help(FILE *to)
{
	unsigned i;

	fputs(usage_text, to);
	for (i = 0; usage_kind_name(i); i++)
		fprintf(to, "%s%s", i ? ", " : "", usage_kind_name(i));
	return fputs("\n"
		     "  --entry NAME  the entry of the vault whose key and address are used\n"
		     "  --own         the client's own log-in (kind anthropic alone)\n"
		     "  --name NAME   the provider that the log-in is used by; else claude\n",
		     to) < 0;
}

/* The command line.  -1: go on, with w filled; else the exit code. */
static int parse_arguments(int argc, char **argv, struct worker *w)
{
	bool own = false, bad = false;
	int i;

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts(PROGRAM " " CCRUN_VERSION) < 0 ? EXIT_FAILED : EXIT_DONE;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return print_help(stdout) ? EXIT_FAILED : EXIT_DONE;
	for (i = 1; i < argc && !bad; i++) {
		if (strcmp(argv[i], "--own") == 0 && !own)
			own = true;
		else if (strcmp(argv[i], "--kind") == 0 && i + 1 < argc && !w->kind)
			bad = (w->kind = usage_kind_find(argv[++i])) == NULL;
		else if (strcmp(argv[i], "--name") == 0 && i + 1 < argc && !w->name)
			bad = !wire_name_ok(w->name = argv[++i]);
		else if (strcmp(argv[i], "--entry") == 0 && i + 1 < argc && !w->entry)
			bad = !wire_name_ok(w->entry = argv[++i]);
		else
			bad = true;
	}
	if (bad || !w->kind || own != (w->entry == NULL) || own != w->kind->place->own ||
	    (w->name && !own)) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	return -1;
}

static int check_session_fd(struct failure *f)
{
	if (proc_keep_pidfd(SESSION_FD))
		return 0;
	return fail_set(f, FAIL_USAGE, "ccrun runs this program", "descriptor %d is no pidfd",
			SESSION_FD);
}

/*
 * Keep only the variables that say where files are, and the proxies.  Others make
 * libraries do what must not happen here: SSLKEYLOGFILE writes the TLS session keys to
 * a file, OPENSSL_CONF loads modules.
 */
static void clean_environment(void)
{
	static const char *const kept[] = {
		"HOME",		  "XDG_CONFIG_HOME", "XDG_DATA_HOME",
		"XDG_STATE_HOME", "XDG_RUNTIME_DIR", "CLAUDE_CONFIG_DIR",
		"https_proxy",	  "HTTPS_PROXY",     "all_proxy",
		"ALL_PROXY",	  "no_proxy",	     "NO_PROXY",
	};
	char *value[sizeof(kept) / sizeof(kept[0])];
	unsigned i, n = sizeof(kept) / sizeof(kept[0]);

	/* The values stay valid: clearenv() frees only the list of pointers. */
	for (i = 0; i < n; i++)
		value[i] = getenv(kept[i]);
	clearenv();
	for (i = 0; i < n; i++)
		if (value[i])
			setenv(kept[i], value[i], 1);
}

/*
 * Undo what the starter did to signals, refuse to run in a session, clean the
 * environment, and fork after hardening (proc_fork_hardened): a /proc/PID/mem that was
 * opened before does not show the new memory.
 */
static int prepare_process(struct failure *f)
{
	static const int normal[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD };
	sigset_t set;
	unsigned i;

	if (proc_self_marked())
		return fail_set(f, FAIL_MARKED, "ccrun starts it, before the session",
				"a process inside a session gets no key");
	clean_environment();
	umask(077);
	sigemptyset(&set);
	for (i = 0; i < sizeof(normal) / sizeof(normal[0]); i++)
		signal(normal[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A long-lived process should not keep a file system busy. */
	if (chdir("/") != 0)
		return fail_errno(f, NULL, "cd /");
	if (proc_fork_hardened(false) != 0)
		return fail_errno(f, "detach the debugger", "cannot harden this process");
	return 0;
}

/* Its child gets a narrower one (fetch_sandbox.h). */
static int enter_cage(const struct worker *w, struct failure *f)
{
	const struct helper_cage cage = { .broker = true, .network = true, .forks = true };

	/* The client's log-in is a file of the user's, which its child reads: Landlock holds
	 * for both.  Then this process never has a key. */
	return w->entry ? helper_cage_enter(&cage, f) : deny_list_enter(DENY_EXEC, f);
}

int main(int argc, char **argv)
{
	struct worker w = { .dial = { .fd = -1 } };
	struct failure f = { .code = FAIL_NONE };
	int r;

	if (io_open_standard_streams() != 0)
		return EXIT_FAILED;
	r = parse_arguments(argc, argv, &w);
	if (r >= 0)
		return r;
	r = check_session_fd(&f);
	if (r == 0)
		r = prepare_process(&f);
	if (r == 0)
		r = enter_cage(&w, &f);
	if (r == 0) {
		w.arena = arena_new(ARENA_LEAST, &f);
		w.buf = w.arena ? arena_alloc(w.arena, WIRE_PACKET_MAX, &f) : NULL;
		r = w.buf ? worker_run(&w, &f) : -1;
	}
	arena_release(w.arena, w.buf);
	arena_free(w.arena);
	if (r == 0)
		return EXIT_DONE;
	fail_print(PROGRAM, &f);
	return f.code == FAIL_USAGE ? EXIT_USAGE : EXIT_FAILED;
}
