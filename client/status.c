/*
 * client/status.c - ccctl status: the broker, the state of the vault, and what the
 * kernel says of the broker's protections.  Never starts a broker.
 */
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/facts/broker_facts.h"
#include "client/facts/kernel_facts.h"
#include "client/verbs.h"
#include "json/output.h"
#include "spec/spec.h"

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
		{ "hidden", "its socket or vault.lock was taken away" },
	};
	unsigned i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], why) == 0)
			return words[i][1];
	return why;
}

static void status_print_lock(const struct broker_facts *s)
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

static const char *status_watched(const struct broker_facts *s)
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

static const char *status_relay(const struct broker_facts *s)
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

static const char *status_cage(const struct broker_facts *s)
{
	static char text[64];

	if (!s->has_landlock)
		return " (seccomp)";
	snprintf(text, sizeof(text), " (seccomp, Landlock %llu)", (unsigned long long)s->landlock);
	return s->landlock ? text : " (seccomp; this kernel has no Landlock, Linux 5.13 does)";
}

static void status_print_text(const struct broker_facts *s)
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

static void status_put_broker(const struct broker_facts *s, struct json_t *o)
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
static int status_print_json(const struct broker_facts *s, const struct kernel_facts *k,
			     struct failure *f)
{
	struct json_t *o = js_object();

	js_text(o, "state", s->state);
	js_text(o, "vault", s->vault);
	js_bool(o, "inside_session", s->marked);
	kernel_facts_json(k, o);
	js_text(o, "broker", s->running ? s->kind : NULL);
	if (s->running)
		status_put_broker(s, o);
	else
		status_put_unknown(o);
	return js_print(o, f);
}

static int status_exit(const struct broker_facts *s)
{
	if (strcmp(s->state, "unlocked") == 0)
		return EXIT_DONE;
	return strcmp(s->state, "no-vault") == 0 ? EXIT_NO_SUCH : EXIT_LOCKED;
}

int verb_status(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, json = false, quiet = false;
	struct broker_facts s = { 0 };
	struct kernel_facts k;
	int opt;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?')
			return -1;
		json = json || opt == OPTION_JSON;
		quiet = quiet || opt == OPTION_QUIET;
	}
	if (require_words(argc, argv, 0, f) != 0)
		return -1;
	if (broker_facts_read(c, &s, f) != 0)
		return quiet ? fail_exit_code(f) : -1;
	if (quiet)
		return status_exit(&s);
	kernel_facts_read(&k);
	if (json)
		return status_print_json(&s, &k, f) == 0 ? EXIT_DONE : -1;
	status_print_text(&s);
	kernel_facts_print(&k);
	return EXIT_DONE;
}
