/*
 * client/login.c - ccctl login: have the vault opened at log-in, by systemd's
 * user units or, where no user manager runs, by an autostart entry.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/facts/broker_facts.h"
#include "client/login/login_files.h"
#include "client/login/systemctl.h"
#include "client/slots/slots.h"
#include "client/verbs.h"
#include "json/output.h"

/* The broker's own unit is started by its socket: it is not enabled. */
static const int enabled_units[] = { UNIT_SOCKET, UNIT_UNLOCK, UNIT_LOGIND };
#define BROKER_PATIENCE_MS 10000 /* as systemd's TimeoutStopSec= for it */
#define ENABLED_UNITS (sizeof(enabled_units) / sizeof(enabled_units[0]))

static bool login_file_is_ours(const struct login_file *file)
{
	return file->state == FILE_CURRENT || file->state == FILE_STALE;
}

/* Does the user's own directory have a unit of ours, or a link that enables one? */
static bool login_has_units(const struct login_files *l)
{
	int i;

	for (i = 0; i < LOGIN_UNITS; i++)
		if (login_file_is_ours(&l->file[i]) ||
		    (l->file[i].state != FILE_FOREIGN && login_linked(l, i)))
			return true;
	return false;
}

/* ---- enable ---- */

/* A broker that runs sessions is its owner's to end. */
static int login_refuse_broker(pid_t broker, struct failure *f)
{
	fail_set(f, FAIL_BUSY, NULL,
		 "a broker that systemd did not start (process %d) holds the vault and its socket, "
		 "and sessions run",
		 (int)broker);
	fail_hint(f,
		  "end it: kill %d; then ccctl login enable.  That locks the vault, and sessions "
		  "that run have to be left, and started again with --resume",
		  (int)broker);
	return -1;
}

/*
 * A running broker that systemd did not start, but ccctl or ccrun, holds the vault's lock.
 * systemd would replace its socket, and every connection would start a broker that cannot get
 * the lock.  *broker = its process, or 0 where there is none.  0, or -1: it has sessions.
 */
static int login_find_broker(struct client *c, pid_t *broker, struct failure *f)
{
	static const char *const name[] = { "ccbroker.socket" };
	struct manager_unit unit;
	struct broker_facts *b;
	int r;

	*broker = 0;
	if (manager_ask(name, 1, &unit, f) != 0)
		return -1;
	if (strcmp(unit.active, "active") == 0)
		return 0;
	b = calloc(1, sizeof(*b));
	if (!b)
		return fail_errno(f, NULL, "login");
	r = broker_facts_read(c, b, f);
	if (r == 0) /* that none runs is no failure */
		memset(f, 0, sizeof(*f));
	/* The system broker is nothing that these units start. */
	if (r == 0 && b->running && !c->dial.system)
		*broker = (pid_t)b->pid;
	if (r == 0 && *broker && b->sessions > 0)
		r = login_refuse_broker(*broker, f);
	free(b);
	return r;
}

/* End that broker, which wipes its keys, and wait until it has let go of the vault. */
static int login_end_broker(pid_t broker, struct failure *f)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, broker, 0), .events = POLLIN };
	int r = 0;

	if (p.fd < 0)
		return errno == ESRCH ? 0 : fail_errno(f, NULL, "process %d", (int)broker);
	if (syscall(SYS_pidfd_send_signal, p.fd, SIGTERM, NULL, 0) != 0 && errno != ESRCH)
		r = fail_errno(f, NULL, "end the broker (process %d)", (int)broker);
	else if (poll(&p, 1, BROKER_PATIENCE_MS) != 1)
		r = fail_set(f, FAIL_TIMEOUT, "see why it does not end, then: ccctl login enable",
			     "the broker (process %d) does not end", (int)broker);
	close(p.fd);
	if (r == 0)
		say("ended the broker that systemd did not start; systemd's opens the vault at the "
		    "next launch, or by ccctl unlock");
	return r;
}

/* Is there a vault, held by a running broker of one's own, that opens for a person alone? */
static bool login_wants_person(struct client *c)
{
	struct slots *s = calloc(1, sizeof(*s));
	struct failure ignored = { 0 };
	bool wants = false;
	unsigned i;

	if (s && client_connect(c, false, &ignored) == 0 && !c->dial.system &&
	    slots_fetch(c, s, &ignored) == 0) {
		wants = s->n > 0;
		for (i = 0; i < s->n; i++)
			wants = wants && slot_kind_is_persons(s->slot[i].kind);
	}
	free(s);
	return wants;
}

/* The user manager starts the broker in its own environment, not in this one. */
static void login_note_environment(void)
{
	static const char *const dirs[][2] = { { "XDG_CONFIG_HOME", "/.config" },
					       { "XDG_DATA_HOME", "/.local/share" },
					       { "XDG_STATE_HOME", "/.local/state" } };
	const char *v, *home = getenv("HOME");
	unsigned i;
	size_t n;

	for (i = 0; home && i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		v = getenv(dirs[i][0]);
		n = strlen(home);
		if (!v || v[0] != '/' ||
		    (strncmp(v, home, n) == 0 && strcmp(v + n, dirs[i][1]) == 0))
			continue;
		say("note: %s is set here; systemd needs it too (~/.config/environment.d/), or its "
		    "broker serves another vault",
		    dirs[i][0]);
	}
}

/* The user's own copies would hide the units that root installed: remove them. */
static int login_use_shared(struct login_files *l, struct failure *f)
{
	int i, r;

	for (i = 0; i < LOGIN_UNITS; i++) {
		r = login_remove(l, i, f);
		if (r < 0 || (r == 1 && login_unlink(l, i, f) != 0))
			return -1;
		if (r == 1)
			say("removed %s: the unit that root installed is used", l->file[i].path);
	}
	if (l->shared_current)
		say("the units are in %s", l->shared);
	else
		say("note: the units in %s are used; they are another installation's than this "
		    "ccctl",
		    l->shared);
	return 0;
}

static int login_use_own(struct login_files *l, struct failure *f)
{
	int i, r, n = 0;

	for (i = 0; i < LOGIN_UNITS; i++) {
		r = login_write(l, i, f);
		if (r < 0)
			return -1;
		n += r;
	}
	if (n > 0)
		say("wrote %d unit files to %s", n, l->dir);
	return 0;
}

static int login_enable_units(struct client *c, struct login_files *l, struct failure *f)
{
	static const char *const reload[] = { "daemon-reload", NULL };
	const char *words[3 + ENABLED_UNITS] = { "enable", "--now" };
	pid_t broker;
	unsigned i;
	bool person;
	int r;

	for (i = 0; i < ENABLED_UNITS; i++)
		words[2 + i] = l->file[enabled_units[i]].name;
	/* A unit of that name that ccctl did not write would hide root's, too. */
	if (login_not_foreign(l, 0, LOGIN_UNITS - 1, f) != 0 ||
	    login_find_broker(c, &broker, f) != 0)
		return -1;
	person = login_wants_person(c);
	login_note_environment();
	if ((l->shared[0] ? login_use_shared(l, f) : login_use_own(l, f)) != 0)
		return -1;
	/* Units and an autostart entry would both open the vault. */
	r = login_remove(l, AUTOSTART, f);
	if (r < 0)
		return -1;
	if (r == 1)
		say("removed %s: systemd does that now", l->file[AUTOSTART].path);
	if (manager_call(reload, NULL, 0, f) != 0 || (broker && login_end_broker(broker, f) != 0) ||
	    manager_call(words, NULL, 0, f) != 0)
		return -1;
	say("enabled: systemd starts the broker when it is needed, opens the vault at a graphical "
	    "log-in, and locks it on suspend and screen lock");
	if (person)
		say("note: no log-in opens this vault yet, it has slots for a person alone; on a "
		    "desktop: ccctl slot add keyring");
	return EXIT_DONE;
}

static int login_enable_autostart(struct login_files *l, struct failure *f)
{
	int r;

	if (login_has_units(l))
		return fail_set(
			f, FAIL_EXISTS,
			"log in where systemd's user manager runs, or first: ccctl login disable",
			"systemd's units are in %s, but no user manager runs here", l->dir);
	r = login_write(l, AUTOSTART, f);
	if (r < 0)
		return -1;
	say("no systemd user manager runs here: %s %s, which a desktop runs at log-in",
	    r == 1 ? "wrote" : "there is", l->file[AUTOSTART].path);
	return EXIT_DONE;
}

static int login_enable(struct client *c, struct login_files *l, struct failure *f)
{
	return manager_here() ? login_enable_units(c, l, f) : login_enable_autostart(l, f);
}

/* ---- disable ---- */

/* Is the vault the system broker's, whom these units do not concern? */
static bool login_vault_is_systems(struct client *c)
{
	struct failure ignored = { 0 };

	return client_connect(c, false, &ignored) == 0 && c->dial.system;
}

static int login_disable_units(struct client *c, const struct login_files *l, struct failure *f)
{
	const char *words[3 + ENABLED_UNITS] = { "disable", "--now" };
	const struct login_file *file;
	unsigned i, n = 2;

	/* Only units that exist: systemctl fails on an unknown name. */
	for (i = 0; i < ENABLED_UNITS; i++) {
		file = &l->file[enabled_units[i]];
		if (login_file_is_ours(file) || (file->state == FILE_MISSING && l->shared[0]))
			words[n++] = file->name;
	}
	if (n == 2)
		return 0;
	if (manager_call(words, NULL, 0, f) != 0)
		return -1;
	say(login_vault_is_systems(c)
		    ? "disabled and stopped the units; the system broker keeps the vault as it is"
		    : "disabled and stopped the units, and their broker with them: the vault is "
		      "locked");
	return 0;
}

static int login_disable(struct client *c, struct login_files *l, struct failure *f)
{
	static const char *const reload[] = { "daemon-reload", NULL };
	bool units = login_has_units(l), manager = manager_here();
	int i, r, removed = 0;

	if (units && manager && login_disable_units(c, l, f) != 0)
		return -1;
	for (i = 0; i < LOGIN_UNITS; i++) {
		if (l->file[i].state == FILE_FOREIGN)
			continue;
		r = login_remove(l, i, f);
		if (r < 0 || login_unlink(l, i, f) != 0)
			return -1;
		removed += r;
	}
	if (removed)
		say("removed %d unit files from %s", removed, l->dir);
	if (removed && manager && manager_call(reload, NULL, 0, f) != 0)
		return -1;
	r = login_remove(l, AUTOSTART, f);
	if (r < 0)
		return -1;
	if (r == 1)
		say("removed %s", l->file[AUTOSTART].path);
	else if (!units)
		say("nothing was in place");
	return EXIT_DONE;
}

/* ---- status ---- */

struct login_view {
	const char *way;    /* systemd, autostart, both, none */
	const char *failed; /* NULL, or an enabled unit's name: it opens nothing */
	bool manager;
	struct {
		char path[PATH_SIZE + 64];
		enum file_state state;
		struct manager_unit seen;
	} unit[LOGIN_UNITS];
};

static int login_gather(struct login_files *l, struct login_view *v, struct failure *f)
{
	const char *names[LOGIN_UNITS];
	struct manager_unit seen[LOGIN_UNITS] = { 0 };
	bool units, entry = login_file_is_ours(&l->file[AUTOSTART]);
	unsigned i;

	v->manager = manager_here();
	for (i = 0; i < LOGIN_UNITS; i++)
		names[i] = l->file[i].name;
	if (v->manager && manager_ask(names, LOGIN_UNITS, seen, f) != 0)
		return -1;
	for (i = 0; i < LOGIN_UNITS; i++) {
		v->unit[i].seen = seen[i];
		v->unit[i].state = l->file[i].state;
		snprintf(v->unit[i].path, sizeof(v->unit[i].path), "%s", l->file[i].path);
		if (l->file[i].state != FILE_MISSING || !l->shared[0])
			continue;
		v->unit[i].state = l->shared_current ? FILE_CURRENT : FILE_STALE;
		snprintf(v->unit[i].path, sizeof(v->unit[i].path), "%s/%s", l->shared, names[i]);
	}
	units = v->manager ? strncmp(seen[UNIT_SOCKET].enabled, "enabled", 7) == 0
			   : login_linked(l, UNIT_SOCKET);
	v->way = units && entry ? "both" : units ? "systemd" : entry ? "autostart" : "none";
	v->failed = units ? manager_failed(names, LOGIN_UNITS, seen) : NULL;
	return 0;
}

static const char *login_word_or_dash(const char *word)
{
	return word[0] ? word : "-";
}

static void login_print_hints(const struct login_files *l, const struct login_view *v)
{
	bool stale = l->file[AUTOSTART].state == FILE_STALE, shared = false;
	int i;

	for (i = 0; i < LOGIN_UNITS; i++) {
		if (v->unit[i].state == FILE_STALE)
			*(l->file[i].state == FILE_MISSING ? &shared : &stale) = true;
	}
	if (stale)
		puts("mend           stale files are another installation's or version's: ccctl "
		     "login enable "
		     "writes them anew");
	if (shared)
		puts("mend           root's units are another installation's: use its ccctl, or "
		     "sudo make "
		     "install this one there");
	if (v->failed)
		printf("mend           journalctl --user -u %s tells why it failed; then ccctl "
		       "login enable\n",
		       v->failed);
	if (strcmp(v->way, "none") == 0)
		puts("mend           ccctl login enable");
	if (strcmp(v->way, "both") == 0)
		puts("mend           one is enough: ccctl login enable removes the entry");
}

static void login_print_text(const struct login_files *l, const struct login_view *v)
{
	static const char *const words[][2] = {
		{ "systemd", "systemd's user units open the vault" },
		{ "autostart", "an autostart entry opens the vault" },
		{ "both", "systemd's user units and an autostart entry open the vault" },
		{ "none", "nothing opens the vault" },
	};
	int i;

	for (i = 0; i < 4; i++)
		if (!v->failed && strcmp(words[i][0], v->way) == 0)
			printf("%-15s%s\n", "log-in", words[i][1]);
	if (v->failed)
		printf("%-15sa unit of the log-in has failed: %s\n", "log-in", v->failed);
	printf("%-15s%s\n", "user manager", v->manager ? "runs" : "none runs here");
	for (i = 0; i < LOGIN_UNITS; i++) {
		printf("%-22s%-9s%-10s%-12s", l->file[i].name, login_state_name(v->unit[i].state),
		       login_word_or_dash(v->unit[i].seen.enabled),
		       login_word_or_dash(v->unit[i].seen.active));
		put_plain(v->unit[i].path);
		putchar('\n');
	}
	printf("%-22s%-31s", "autostart entry", login_state_name(l->file[AUTOSTART].state));
	put_plain(l->file[AUTOSTART].path);
	putchar('\n');
	login_print_hints(l, v);
}

static struct json_t *login_file_json(const char *name, const char *path, enum file_state state)
{
	struct json_t *o = js_object();

	js_text(o, "name", name);
	js_text(o, "path", path);
	js_text(o, "file", login_state_name(state));
	return o;
}

static int login_print_json(const struct login_files *l, const struct login_view *v,
			    struct failure *f)
{
	struct json_t *o = js_object(), *units = js_array(), *unit;
	const struct login_file *entry = &l->file[AUTOSTART];
	int i;

	js_text(o, "way", v->way);
	js_bool(o, "manager", v->manager);
	for (i = 0; i < LOGIN_UNITS; i++) {
		unit = login_file_json(l->file[i].name, v->unit[i].path, v->unit[i].state);
		js_text(unit, "enabled",
			v->unit[i].seen.enabled[0] ? v->unit[i].seen.enabled : NULL);
		js_text(unit, "active", v->unit[i].seen.active[0] ? v->unit[i].seen.active : NULL);
		js_append(units, unit);
	}
	js_put(o, "units", units);
	js_put(o, "autostart", login_file_json(entry->name, entry->path, entry->state));
	return js_print(o, f);
}

static int login_status(struct login_files *l, bool json, struct failure *f)
{
	static struct login_view v; /* four paths: not on the stack */

	if (login_gather(l, &v, f) != 0)
		return -1;
	if (json)
		return login_print_json(l, &v, f) == 0 ? EXIT_DONE : -1;
	login_print_text(l, &v);
	return EXIT_DONE;
}

/* ---- the verb ---- */

int verb_login(struct client *c, int argc, char **argv, struct failure *f)
{
	static struct login_files l; /* five files with their text: not on the stack */
	bool json;
	const char *what;

	if (json_option(argc, argv, &json, f) != 0 || require_words(argc, argv, 1, f) != 0)
		return -1;
	what = argv[optind];
	if (json && strcmp(what, "status") != 0)
		return fail_set(f, FAIL_USAGE, "ccctl help login", "--json goes with login status");
	if (strcmp(what, "enable") == 0)
		return login_look(&l, f) == 0 ? login_enable(c, &l, f) : -1;
	if (strcmp(what, "disable") == 0)
		return login_look(&l, f) == 0 ? login_disable(c, &l, f) : -1;
	if (strcmp(what, "status") == 0)
		return login_look(&l, f) == 0 ? login_status(&l, json, f) : -1;
	return fail_set(f, FAIL_USAGE, "ccctl help login", "login wants enable, disable or status");
}
