/*
 * client/status.c - ccctl status: the broker, the state of the vault, and what the
 * kernel says of the broker's protections.  Never starts a broker.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/sock.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/kernel_facts.h"
#include "client/verbs.h"
#include "json/output.h"
#include "spec/spec.h"

struct status {
	const char *state; /* no-vault, no-broker, locked, unlocked */
	char vault[PATH_SIZE], socket[PATH_SIZE];
	bool running;
	bool runtime_ignored; /* XDG_RUNTIME_DIR says where no socket of ours can be */
	char kind[16], version[32];
	uint64_t pid, started, memory_size, memory_used, sessions, relays, releases, waiting;
	bool memory_locked, undumpable, untraced, caged; /* according to broker and kernel */
	uint64_t kernel_locked;				 /* KiB, VmLck */
	bool marked;					 /* this process is inside a session */
	bool system_down; /* a system broker is installed, but does not run */
	char why[16];	  /* why it is locked; "start": not opened since the broker started */
	uint64_t locked_at, kept, asleep;
	bool watched; /* ccrun-logind is connected to the broker */
	bool delays;  /* and the computer's sleep waits for it */
	/* Whose uid a relay has: "own-uid", "user", "none", "ended"; "": unknown. */
	char relay[16];
	bool has_landlock; /* the broker says whether */
	uint64_t landlock; /* the version that it is under, or 0 */
	unsigned slots;	   /* 0: unknown */
	char record[160];  /* what is wrong with the audit log, or "" */
	struct kernel_facts kernel;
};

static int status_read_reply(struct wire_map m, struct status *s, struct failure *f)
{
	char state[16];

	if (wire_get_text(m, "state", state, sizeof(state), f) != 0 ||
	    wire_get_text(m, "broker", s->kind, sizeof(s->kind), f) != 0 ||
	    wire_get_text(m, "version", s->version, sizeof(s->version), f) != 0 ||
	    wire_get_text(m, "vault", s->vault, sizeof(s->vault), f) != 0 ||
	    wire_get_uint(m, "pid", &s->pid, f) != 0 ||
	    wire_get_uint(m, "started", &s->started, f) != 0 ||
	    wire_get_uint(m, "memory_size", &s->memory_size, f) != 0 ||
	    wire_get_uint(m, "memory_used", &s->memory_used, f) != 0 ||
	    wire_get_uint(m, "sessions", &s->sessions, f) != 0 ||
	    wire_get_uint(m, "relays", &s->relays, f) != 0 ||
	    wire_get_uint(m, "releases", &s->releases, f) != 0 ||
	    wire_get_bool(m, "memory_locked", &s->memory_locked, f) != 0 ||
	    wire_get_bool(m, "undumpable", &s->undumpable, f) != 0 ||
	    wire_get_bool(m, "untraced", &s->untraced, f) != 0 ||
	    wire_get_bool(m, "caged", &s->caged, f) != 0 ||
	    wire_get_text(m, "why", s->why, sizeof(s->why), f) != 0 ||
	    wire_get_uint(m, "locked_at", &s->locked_at, f) != 0 ||
	    wire_get_uint(m, "kept", &s->kept, f) != 0 ||
	    wire_get_uint(m, "asleep", &s->asleep, f) != 0 ||
	    wire_get_bool(m, "watched", &s->watched, f) != 0)
		return -1;
	/* A broker that was started before the last upgrade does not say. */
	s->delays = s->watched;
	if (wire_has(m, "delays") && wire_get_bool(m, "delays", &s->delays, f) != 0)
		return -1;
	if (wire_has(m, "waiting") && wire_get_uint(m, "waiting", &s->waiting, f) != 0)
		return -1;
	if (wire_has(m, "relay") && wire_get_text(m, "relay", s->relay, sizeof(s->relay), f) != 0)
		return -1;
	if (wire_has(m, "record") &&
	    wire_get_text(m, "record", s->record, sizeof(s->record), f) != 0)
		return -1;
	s->has_landlock = wire_has(m, "landlock");
	if (s->has_landlock && wire_get_uint(m, "landlock", &s->landlock, f) != 0)
		return -1;
	s->state = strcmp(state, "none") == 0	  ? "no-vault"
		   : strcmp(state, "locked") == 0 ? "locked"
						  : "unlocked";
	return 0;
}

/* The number after a key in the text of /proc/PID/status; 0 without that key. */
static uint64_t status_proc_field(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Verify with the kernel what the broker says of itself. */
static void status_ask_kernel(struct status *s, pid_t pid)
{
	struct proc_stat st;
	char path[64], *text = NULL;
	size_t n;

	s->undumpable = s->undumpable && proc_stat(pid, &st) == 0 && st.owner == 0;
	s->untraced = s->untraced && proc_tracer(pid) == 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (io_slurp(path, 16384, &text, &n, NULL) != 0) {
		s->memory_locked = s->caged = false;
		return;
	}
	s->kernel_locked = status_proc_field(text, "\nVmLck:");
	s->memory_locked = s->memory_locked && s->kernel_locked >= s->memory_size / 1024;
	s->caged = s->caged && status_proc_field(text, "\nSeccomp:") == 2;
	free(text);
}

static int status_gather(struct client *c, struct status *s, struct failure *f)
{
	pid_t pid;
	uid_t uid;

	s->marked = proc_self_marked();
	kernel_facts_read(&s->kernel);
	if (client_connect(c, false, f) != 0) {
		if (f->code == FAIL_NO_BROKER) {
			s->system_down = dial_system_down();
			if (s->system_down && !user_vault_file_exists()) {
				s->state = "no-broker";
				snprintf(s->vault, sizeof(s->vault),
					 SYSTEM_STATE_DIR "/vaults/%u/vault", (unsigned)getuid());
				return 0;
			}
			s->state = user_vault_file_exists() ? "no-broker" : "no-vault";
			return path_of(PATH_DATA, "vault", s->vault, f);
		}
		/* The socket belongs to another program: name its process. */
		if (f->code == FAIL_PEER && sock_peer(c->dial.fd, &pid, &uid) == 0)
			fail_hint(f, "process %d (uid %u) holds %.200s; end it, then ccctl unlock",
				  (int)pid, (unsigned)uid, c->dial.path);
		return -1;
	}
	if (client_call(c, wire_request("status"), f) != 0 ||
	    status_read_reply(c->dial.in.top, s, f) != 0)
		return -1;
	s->running = true;
	snprintf(s->socket, sizeof(s->socket), "%s", c->dial.path);
	s->runtime_ignored = !c->dial.system && path_runtime_ignored();
	/* From the socket's credentials, not from the reply. */
	s->pid = (uint64_t)c->dial.broker;
	status_ask_kernel(s, c->dial.broker);
	/* Inside a session the broker refuses this request. */
	if (!s->marked && strcmp(s->state, "no-vault") != 0 &&
	    client_call(c, wire_request("slots"), NULL) == 0)
		wire_get_array(c->dial.in.top, "slots", &s->slots, NULL);
	return 0;
}

static void status_print_yes(const char *what, bool good, const char *more)
{
	printf("%-15s%s%s\n", what, good ? "yes" : "NO", more);
}

static const char *status_lock_reason(const char *why)
{
	static const char *const words[][2] = {
		{ "request", "by request" },
		{ "idle", "it was idle" },
		{ "longest", "its longest time was over" },
		{ "suspend", "the computer went to sleep" },
		{ "screen", "the screen was locked" },
		{ "logout", "its user logged out" },
		{ "moved", "it moved to another broker" },
	};
	unsigned i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], why) == 0)
			return words[i][1];
	return why;
}

static void status_print_lock(const struct status *s)
{
	char time[DATE_TEXT];

	if (strcmp(s->state, "locked") == 0 && strcmp(s->why, "start") == 0)
		printf("%-15s%s\n", "why", "not opened since the broker started");
	else if (strcmp(s->state, "locked") == 0)
		printf("%-15s%s, %s\n", "why", status_lock_reason(s->why),
		       date_local(s->locked_at, time));
	if (s->kept)
		printf("%-15s%llu kept (keep = yes)\n", "keys", (unsigned long long)s->kept);
	if (s->asleep)
		printf("%-15s%llu wiped because their ttl is over: ccctl unlock\n", "keys",
		       (unsigned long long)s->asleep);
	if (s->slots)
		printf("%-15s%u%s\n", "slots", s->slots,
		       s->slots == 1 ? " (only one; add another: ccctl slot add recovery)" : "");
}

static const char *status_watched(const struct status *s)
{
	if (s->watched && !s->delays)
		return "yes, but a suspend does not wait until it is locked; does polkit run?";
	if (s->watched)
		return "yes (suspend, screen lock, log-out)";
	if (strcmp(s->kind, "system") == 0)
		return "no: suspend, screen lock and log-out do not lock it; "
		       "as root: systemctl enable --now ccrun-logind";
	return "no: suspend, screen lock and log-out do not lock it; "
	       "ccctl unlock starts a watcher where logind runs";
}

static const char *status_relay(const struct status *s)
{
	if (strcmp(s->relay, "own-uid") == 0)
		return "with a uid of its own, ccrun-relay";
	if (strcmp(s->relay, "user") == 0)
		return "as you";
	if (strcmp(s->relay, "ended") == 0)
		return strcmp(s->kind, "system") == 0 ? "NONE: what starts them has ended; as "
							"root: systemctl restart ccbroker"
						      : "NONE: what starts them has ended; end the "
							"broker and unlock again";
	return strcmp(s->kind, "system") == 0
		       ? "NONE: its service is not there; as root: systemctl start "
			 "ccrun-relay.socket"
		       : "NONE: ccrun-relay is not installed; make install puts it in place";
}

static const char *status_cage(const struct status *s)
{
	static char text[64];

	if (!s->has_landlock)
		return " (seccomp)";
	snprintf(text, sizeof(text), " (seccomp, Landlock %llu)", (unsigned long long)s->landlock);
	return s->landlock ? text : " (seccomp; this kernel has no Landlock, Linux 5.13 does)";
}

static void status_print_text(const struct status *s)
{
	static const char *const words[][2] = {
		{ "no-vault", "there is none yet: ccctl init" },
		{ "no-broker", "locked: no broker is running" },
		{ "locked", "locked" },
		{ "unlocked", "unlocked" },
	};
	char time[DATE_TEXT], more[128];
	unsigned i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], s->state) == 0)
			printf("%-15s%s\n", "vault", words[i][1]);
	printf("%-15s", "file");
	put_plain(s->vault);
	putchar('\n');
	if (s->marked)
		printf("%-15s%s\n", "here", "inside a session: everything else is refused");
	if (s->running)
		status_print_lock(s);
	if (!s->running) {
		printf("%-15s%s\n", "broker",
		       s->system_down
			       ? "the system's is not running; as root: systemctl start ccbroker"
			       : "none is running; ccctl unlock or a launch starts one");
		return;
	}
	printf("%-15s", "socket");
	put_plain(s->socket);
	printf("%s\n", s->runtime_ignored
			       ? " (XDG_RUNTIME_DIR is no directory of yours, and is not "
				 "used)"
			       : "");
	printf("%-15sprocess %llu, %s, version %s, since %s\n", "broker",
	       (unsigned long long)s->pid, s->kind, s->version, date_local(s->started, time));
	snprintf(more, sizeof(more), " (%llu KiB, %llu in use; the kernel counts %llu KiB locked)",
		 (unsigned long long)s->memory_size / 1024,
		 (unsigned long long)s->memory_used / 1024, (unsigned long long)s->kernel_locked);
	status_print_yes("memory locked", s->memory_locked, more);
	status_print_yes("undumpable", s->undumpable, "");
	status_print_yes("untraced", s->untraced, "");
	status_print_yes("caged", s->caged, s->caged ? status_cage(s) : "");
	printf("%-15s%s\n", "watched", status_watched(s));
	if (s->relay[0])
		printf("%-15s%s\n", "relay", status_relay(s));
	if (s->record[0])
		printf("%-15sNO: %s; ccctl log shows when\n", "record", s->record);
	more[0] = '\0';
	if (s->relays)
		snprintf(more, sizeof(more), " (%llu by relay)", (unsigned long long)s->relays);
	printf("%-15s%llu live%s, %llu releases\n", "sessions", (unsigned long long)s->sessions,
	       more, (unsigned long long)s->releases);
	if (s->waiting)
		printf("%-15s%llu for your yes: ccctl confirm\n", "waiting",
		       (unsigned long long)s->waiting);
}

/* What a broker alone knows, while none runs. */
static void status_put_unknown(struct json_t *o)
{
	static const char *const unknown[] = { "version",
					       "pid",
					       "started",
					       "memory_locked",
					       "memory_size",
					       "memory_used",
					       "kernel_locked_kib",
					       "undumpable",
					       "untraced",
					       "caged",
					       "landlock",
					       "sessions",
					       "sessions_by_relay",
					       "releases",
					       "waiting",
					       "locked_why",
					       "locked_at",
					       "kept",
					       "asleep",
					       "watched",
					       "delays",
					       "relay",
					       "record",
					       "slots" };
	unsigned i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		js_null(o, unknown[i]);
}

static void status_put_broker(const struct status *s, struct json_t *o)
{
	js_text(o, "version", s->version);
	js_number(o, "pid", s->pid);
	js_time(o, "started", s->started);
	js_bool(o, "memory_locked", s->memory_locked);
	js_number(o, "memory_size", s->memory_size);
	js_number(o, "memory_used", s->memory_used);
	js_number(o, "kernel_locked_kib", s->kernel_locked);
	js_bool(o, "undumpable", s->undumpable);
	js_bool(o, "untraced", s->untraced);
	js_bool(o, "caged", s->caged);
	if (s->has_landlock)
		js_number(o, "landlock", s->landlock);
	else
		js_null(o, "landlock");
	js_number(o, "sessions", s->sessions);
	js_number(o, "sessions_by_relay", s->relays);
	js_number(o, "releases", s->releases);
	js_number(o, "waiting", s->waiting);
	js_text(o, "locked_why", strcmp(s->state, "locked") == 0 ? s->why : NULL);
	js_time(o, "locked_at", s->locked_at);
	js_number(o, "kept", s->kept);
	js_number(o, "asleep", s->asleep);
	js_bool(o, "watched", s->watched);
	js_bool(o, "delays", s->delays);
	js_text(o, "relay", s->relay[0] ? s->relay : NULL);
	js_text(o, "record", s->record[0] ? s->record : NULL);
	if (s->slots)
		js_number(o, "slots", s->slots);
	else
		js_null(o, "slots");
}

/* One flat object that always has the same keys; null: unknown, or not there. */
static int status_print_json(const struct status *s, struct failure *f)
{
	struct json_t *o = js_object();

	js_text(o, "state", s->state);
	js_text(o, "vault", s->vault);
	js_bool(o, "inside_session", s->marked);
	kernel_facts_json(&s->kernel, o);
	js_text(o, "broker", s->running ? s->kind : NULL);
	if (s->running)
		status_put_broker(s, o);
	else
		status_put_unknown(o);
	return js_print(o, f);
}

static int status_exit(const struct status *s)
{
	if (strcmp(s->state, "unlocked") == 0)
		return EXIT_DONE;
	return strcmp(s->state, "no-vault") == 0 ? EXIT_NO_SUCH : EXIT_LOCKED;
}

int verb_status(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, json = false, quiet = false;
	struct status s = { 0 };
	int opt;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?')
			return -1;
		json = json || opt == OPTION_JSON;
		quiet = quiet || opt == OPTION_QUIET;
	}
	if (require_words(argc, argv, 0, f) != 0)
		return -1;
	if (status_gather(c, &s, f) != 0)
		return quiet ? fail_exit_code(f) : -1;
	if (quiet)
		return status_exit(&s);
	if (json)
		return status_print_json(&s, f) == 0 ? EXIT_DONE : -1;
	status_print_text(&s);
	kernel_facts_print(&s.kernel);
	return EXIT_DONE;
}
