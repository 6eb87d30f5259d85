/*
 * shim/main.c - ccrun: read the provider's file, open a session, execute claude.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "config/client/forced.h"
#include "config/client/network.h"
#include "config/client/settings_files.h"
#include "config/client/settings_option.h"
#include "config/client/takeover.h"
#include "config/provider/auth.h"
#include "config/provider/manager_variables.h"
#include "config/provider/provider.h"
#include "config/project/project.h"
#include "config/source/source_opens.h"
#include "shim/account.h"
#include "shim/arguments.h"
#include "shim/background.h"
#include "shim/client_report.h"
#include "shim/confine.h"
#include "shim/delivery.h"
#include "shim/env_delivery.h"
#include "shim/inside.h"
#include "shim/keyless.h"
#include "shim/invoked_name.h"
#include "shim/launch.h"
#include "shim/launch_notes.h"
#include "shim/privileged.h"
#include "shim/provider_choice.h"
#include "shim/provider_list.h"
#include "shim/provider_ready.h"
#include "shim/relay.h"
#include "shim/relay_socket.h"
#include "shim/session.h"
#include "shim/target.h"
#include "shim/trial_report.h"
#include "start/usage_worker.h"

/* Is it a trial (--test), of which ccctl is told? */
static bool arguments_are_trial(const struct arguments *a)
{
	return a->ask && strcmp(a->ask, "test") == 0;
}

/* Print the failure; returns code. */
static int exit_with(const struct arguments *a, const struct failure *f, int code)
{
	if (arguments_are_trial(a))
		trial_report_failure(f->code == FAIL_LOCKED ? TRIAL_LOCKED : TRIAL_NOT_STARTED, f);
	else
		fail_print("ccrun", f);
	return code;
}

/* The same where only the client could do it, for what the provider's files say. */
static int exit_unasked(const struct arguments *a, const struct failure *f, int code)
{
	if (f->code != FAIL_POLICY || !arguments_are_trial(a))
		return exit_with(a, f, code);
	trial_report_failure(TRIAL_LAUNCH_ONLY, f);
	return code;
}

/* The worker that fetches the provider's quota for the status line, where it has one. */
static void start_usage_worker(const struct launch *l)
{
	const struct provider *p = l->provider;
	struct usage_worker w = { .kind = p->usage, .provider = p->name };
	unsigned i;

	if (!p->usage[0] || l->target->asks)
		return;
	if (p->secrets)
		w.entry = p->secret[0].entry;
	if (p->policy.config_dir[0])
		for (i = 0; i < p->envs; i++)
			if (strcmp(p->env[i].name, "CLAUDE_CONFIG_DIR") == 0)
				w.config_dir = p->env[i].value;
	usage_worker_start(&w);
}

/* Hand the opened session over to its relay: it ends with this process, not with our
 * connection.  0 or -1. */
static int launch_relay(struct launch *l, struct opened_session *session, struct failure *f)
{
	struct relay_socket s;
	int r;

	if (relay_socket_open(&s, f) != 0)
		return -1;
	r = relay_start(session, l->network, &s, f);
	close(session->connection);
	session->connection = -1;
	if (r == 0) {
		l->place = s.place;
		s.place = -1;
		/* Inside a session, that one's goes on. */
		l->ticket = session->ticket[0] ? session->ticket : getenv(TICKET_VARIABLE);
	}
	relay_socket_close(&s);
	return r;
}

/* Open the session, mark this process, and execute the target.  Returns only on failure. */
static int launch_run(struct launch *l, struct failure *f)
{
	struct opened_session session = { .connection = -1 };
	const struct provider *p = l->provider;
	int n;

	session.background = l->agents;
	if (p->secrets && session_open(p, l->delivery, l->target, &session, f) != 0)
		return -1;
	if (p->secrets && l->delivery == DELIVERY_RELAY) {
		if (launch_relay(l, &session, f) != 0)
			return -1;
	} else {
		l->connection = session.connection;
	}
	/* After `open`, where the broker checks that the user agreed to this directory. */
	if (p->policy.config_dir[0] && launch_config_dir(p, f) != 0)
		return -1;
	/* Before the mark: the broker answers no marked process. */
	start_usage_worker(l);
	session_keep_tokens(&session, p);
	/* After `open`, which a marked process may not do; before any secret, which only a
	 * marked one gets. */
	if (proc_mark_self() != 0)
		return fail_errno(f, NULL, "cannot mark the session (RLIMIT_LOCKS)");
	/* The broker looks at the process that gets a key, and may not at one that has more
	 * capabilities than its witness, which has none.  From systemd 254 on, who logs in at a
	 * seat has CAP_WAKE_ALARM in the ambient set, which outlives execve. */
	if (p->secrets && l->delivery == DELIVERY_PRELOAD &&
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return fail_errno(f, NULL, "cannot give up ambient capabilities");
	/* What must be outside is started by now; the broker gives nothing to a process that
	 * only says that it is confined. */
	if (confine_enter(l->confinement, f) != 0)
		return -1;
	if (p->secrets && l->delivery == DELIVERY_PIPE) {
		l->pipe = session_pipe(&session, f);
		if (l->pipe < 0)
			return -1;
	}
	if (p->secrets && l->delivery == DELIVERY_ENV) {
		n = env_delivery_claim(l->connection, l->secret, SESSION_ENTRIES_MAX, f);
		if (n < 0)
			return -1;
		l->secrets = (unsigned)n;
	}
	launch_note_start(l, &session);
	return launch_exec(l, f);
}

/*
 * What the person's and the administrator's settings say: taken over into p, and into n for a
 * relay.  0 or -1.
 */
static int launch_read_settings(const struct launch *l, struct provider *p, struct network *n,
				struct takeover *taken, struct failure *f)
{
	bool relayed = p->secrets && l->delivery == DELIVERY_RELAY;
	static struct settings_files *files; /* the names in taken are theirs */

	if (!relayed && !l->target->claude)
		return 0;
	if (settings_files_of_person(p, l->arguments, &files, f) != 0)
		return -1;
	if (l->target->claude) {
		if (forced_check(p, files, relayed, f) != 0)
			return -1;
		takeover(p, files, relayed, taken);
	}
	if (!relayed)
		return 0;
	if (network_read(p, files, environ, n, f) != 0)
		return -1;
	if (n->passed_over)
		fprintf(stderr,
			"ccrun: note: %s is no proxy that Claude Code takes: requests go without "
			"it\n"
			"hint: an http:// proxy, in HTTPS_PROXY\n",
			n->passed_over);
	return 0;
}

/* The client has the key: have it print none.  0 or -1. */
static int launch_pin_settings(struct launch *l, struct failure *f)
{
	bool overruled = false;

	l->arguments = settings_option_pin(l->arguments, &overruled, f);
	if (overruled)
		fputs("ccrun: note: BUN_CONFIG_VERBOSE_FETCH in your --settings is off here: it "
		      "would print the key\n",
		      stderr);
	return l->arguments ? 0 : -1;
}

/* Claude in tmux must not go, unseen, to the user's own login. */
static int launch_check_tmux(const struct launch *l, struct failure *f)
{
	const struct provider *p = l->provider;
	bool own_login = p->secrets == 0 && p->auth == AUTH_NONE && !p->base_url[0];

	if (!l->target->claude || own_login || !tmux_wanted(l->arguments))
		return 0;
	fail_set(f, FAIL_POLICY, NULL, "with --tmux claude starts itself anew, without %s",
		 p->title);
	fail_hint(f, "start tmux, and in it ccrun %s without --tmux", p->name);
	return -1;
}

/* The client's service gives its agents what is asked for by relay, or the user's own login. */
static int launch_check_agents(const struct launch *l, struct failure *f)
{
	const struct provider *p = l->provider;

	if (!p->secrets && p->base_url[0])
		return fail_set(f, FAIL_POLICY, "in a terminal of its own, or with -p",
				"agents in the background work by relay alone, which %s, without "
				"a key, does not need",
				p->name);
	if (p->secrets && l->delivery != DELIVERY_RELAY && l->delivery != DELIVERY_ENV)
		return fail_set(f, FAIL_POLICY, "delivery = relay (ccrun-provider(5))",
				"agents in the background have a key by relay alone");
	return 0;
}

/*
 * An agent in the background must not go, unseen, to a service of another session or with the
 * user's own login.  0 or -1.
 */
static int launch_settle_background(const struct launch *l, struct background *b, struct failure *f)
{
	const struct provider *p = l->provider;

	if (!l->target->claude)
		return 0;
	if (l->agents && launch_check_agents(l, f) != 0)
		return -1;
	if (p->secrets && l->delivery != DELIVERY_RELAY)
		return 0;
	background_find(p, b);
	if (b->owner == BACKGROUND_ENDED && !proc_self_marked() && background_end(p, b) &&
	    isatty(STDERR_FILENO))
		fputs("ccrun: note: claude's background service was still that of a session that "
		      "has ended; it was stopped, and claude starts another\n",
		      stderr);
	/* Without a key it may well be one of this provider. */
	if (!p->secrets && b->owner != BACKGROUND_ANOTHER)
		b->owner = BACKGROUND_NONE;
	return l->agents ? background_check(b, l->confinement->scope, f) : 0;
}

/*
 * What --no-key says; else a provider without a key is confined whatever the user's files say:
 * these are not sealed, and a session could have written them.  0 or -1.
 */
static int launch_settle_keyless(const struct arguments *a, struct provider *p, struct failure *f)
{
	if (a->no_key && p->secrets)
		return fail_set(f, FAIL_USAGE, "without --no-key", "%s uses a key", p->name);
	if (a->no_key || p->secrets || !p->users_file[0] || p->policy.confine != CONFINE_OFF)
		return 0;
	p->policy.confine = CONFINE_AUTO;
	fprintf(stderr,
		"ccrun: note: confine = off is not followed, since nothing is sealed where "
		"there is no key\nhint: if you mean it: ccrun --no-key %s%s%s\n",
		p->name, p->mode[0] ? ":" : "", p->mode);
	return 0;
}

/* What is to be executed.  0; or -1 with the exit status. */
static int launch_target(const struct arguments *a, const struct provider *p, struct target *t,
			 int *code, struct failure *f)
{
	if (!a->ask) {
		if (target_find(t, a->program ? a->program : "claude", code, f) != 0)
			return -1;
		t->claude = t->claude || a->claude;
		return 0;
	}
	*code = EXIT_CCRUN;
	if (auth_has_messages(p->auth) && (p->secrets > 0 || p->base_url[0]))
		return target_find_asking(t, a->ask, code, f);
	if (arguments_are_trial(a))
		return fail_set(f, FAIL_POLICY, NULL, "%s has no key that ccrun could use%s%s",
				p->name, auth_has_messages(p->auth) ? "" : ": auth = ",
				auth_has_messages(p->auth) ? "" : auth_name(p->auth));
	return fail_set(f, FAIL_POLICY, p->docs[0] ? "its documentation names them" : NULL,
			"%s has no list of models that ccrun could ask for", p->name);
}

/* The words of the program: for ccrun-ask what it is to do stands before.  NULL: no memory. */
static char **launch_arguments(const struct arguments *a)
{
	unsigned n = 0;
	char **argv;

	if (!a->ask)
		return a->rest;
	while (a->rest[n])
		n++;
	argv = calloc(n + 2, sizeof(*argv));
	if (!argv)
		return NULL;
	argv[0] = (char *)a->ask;
	memcpy(argv + 1, a->rest, n * sizeof(*argv));
	return argv;
}

/* Everything from the chosen provider on.  Returns ccrun's exit status. */
static int launch_provider(struct arguments *a, const struct project *pin, struct failure *f)
{
	static char
		shown[sizeof(pin->path)]; /* a repository may have chosen the directory's name */
	static struct network network;
	static struct takeover taken;
	static struct background background;
	static struct own_manager_variables opens;
	struct launch l = { .connection = -1, .pipe = -1, .place = -1, .pin = shown };
	struct confinement confinement;
	struct delivery_choice how;
	struct provider *p = NULL;
	struct target t;
	int code = EXIT_CCRUN;

	memcpy(shown, pin->path, sizeof(shown));
	fail_sanitize(shown);
	if (provider_ready(a, &p, f) != 0 || project_models(pin, p, f) != 0 ||
	    launch_settle_keyless(a, p, f) != 0)
		return exit_with(a, f, EXIT_CCRUN);
	if (launch_target(a, p, &t, &code, f) != 0)
		return exit_unasked(a, f, code);
	if (t.claude && account_check(p, a->rest, f) != 0)
		return exit_with(a, f, EXIT_CCRUN);
	l.provider = p;
	l.target = &t;
	l.arguments = launch_arguments(a);
	l.agents = t.claude && background_wanted(a->rest);
	l.confinement = &confinement;
	if (!l.arguments)
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the arguments");
	if (!l.arguments || confine_plan(p->policy.confine, &confinement, f) != 0)
		return exit_with(a, f, EXIT_CCRUN);
	if (delivery_choose(p, &t, !a->dry_run, &how, f) != 0)
		return exit_unasked(a, f, EXIT_CCRUN);
	l.delivery = how.delivery;
	l.first_party = how.first_party;
	l.why = how.why;
	l.network = &network;
	l.taken = &taken;
	l.opens = &opens;
	if (launch_read_settings(&l, p, &network, &taken, f) != 0)
		return exit_with(a, f, EXIT_CCRUN);
	if (p->secrets && l.delivery != DELIVERY_RELAY && t.claude &&
	    launch_pin_settings(&l, f) != 0)
		return exit_with(a, f, EXIT_CCRUN);
	if (source_own_opens(&opens, f) != 0)
		return exit_with(a, f, EXIT_CCRUN);
	if (a->dry_run)
		return launch_print(&l, f) == 0 ? 0 : exit_with(a, f, EXIT_CCRUN);
	l.background = &background;
	if (launch_check_tmux(&l, f) != 0 || launch_settle_background(&l, &background, f) != 0)
		return exit_with(a, f, EXIT_CCRUN);
	if (!a->no_key && keyless_check(p, f) != 0)
		return exit_with(a, f, EXIT_CCRUN);
	launch_note_credentials(p);
	launch_run(&l, f);
	return exit_with(a, f, l.exec_failed ? EXIT_CANNOT_EXEC : EXIT_CCRUN);
}

/* Outside a session: run the next claude in PATH as it is.  Returns the exit status of a
 * failure. */
static int claude_run_plain(char **argv, struct failure *f)
{
	struct target t;
	int code;

	if (target_find(&t, "claude", &code, f) != 0)
		return code;
	execv(t.path, argv);
	fail_errno(f, NULL, "%s", t.path);
	return EXIT_CANNOT_EXEC;
}

/* Read the command line.  0; or -1: exit with *code. */
static int invocation_parse(struct arguments *a, char **argv, int *code, struct failure *f)
{
	enum invoked_name invoked;

	*code = EXIT_CCRUN;
	switch (inside_parse(a, argv, f)) {
	case INSIDE_BAD:
		return -1;
	case INSIDE_PLAIN:
		*code = claude_run_plain(argv, f);
		return -1;
	case INSIDE_CONFINED:
		*code = privileged_run(a->program, argv, f);
		return -1;
	case INSIDE_SESSION:
		return 0;
	case INSIDE_NOT:
		break;
	}
	invoked = invoked_name_parse(a, argv, f);
	if (invoked == INVOKED_AS_CCRUN)
		return arguments_parse(a, argv, f);
	return invoked == INVOKED_BY_LINK ? 0 : -1;
}

/* No provider was named, and none is the project's or the default. */
static int exit_unnamed(const struct arguments *a, struct failure *f)
{
	if (a->unknown) {
		fail_set(f, FAIL_USAGE,
			 "arguments for claude follow the provider, or choose one with ccctl "
			 "default NAME; ccrun --help lists ours",
			 "'%.60s' is no option of ccrun", a->unknown);
		return exit_with(a, f, EXIT_CCRUN);
	}
	if (a->wraps) {
		fail_set(
			f, FAIL_USAGE,
			"ccctl default NAME; or have ccctl link --wrap COMMAND NAME make a command "
			"for this caller",
			"which provider? ccrun was given a program alone");
		return exit_with(a, f, EXIT_CCRUN);
	}
	fail_set(f, FAIL_USAGE, "ccrun PROVIDER [ARGUMENT ...]; the providers are:",
		 "which provider? none was named");
	exit_with(a, f, EXIT_CCRUN);
	provider_list_print(stderr, f);
	fputs("ccctl list shows which of them have their key, and which worked here.\n", stderr);
	return EXIT_CCRUN;
}

int main(int argc, char **argv)
{
	static struct project pin;
	struct arguments a = { .action = ACTION_RUN };
	struct failure f = { 0 };
	int code;

	if (argc < 1 || io_open_standard_streams() != 0)
		return EXIT_CCRUN;
	if (invocation_parse(&a, argv, &code, &f) != 0)
		return exit_with(&a, &f, code);
	switch (a.action) {
	case ACTION_HELP:
		arguments_print_help(stdout);
		return io_flush(stdout) != 0 ? EXIT_CCRUN : 0;
	case ACTION_VERSION:
		puts("ccrun " CCRUN_VERSION);
		return io_flush(stdout) != 0 ? EXIT_CCRUN : 0;
	case ACTION_LIST:
		return provider_list_print(stdout, &f) == 0 ? 0 : exit_with(&a, &f, EXIT_CCRUN);
	case ACTION_CLIENT:
		code = EXIT_CCRUN;
		return client_report(a.program, &code, &f) == 0 ? 0 : exit_with(&a, &f, code);
	case ACTION_RUN:
		break;
	}
	if (provider_choose(&a, &pin, &f) != 0)
		return exit_with(&a, &f, EXIT_CCRUN);
	if (a.provider[0])
		return launch_provider(&a, &pin, &f);
	return exit_unnamed(&a, &f);
}
