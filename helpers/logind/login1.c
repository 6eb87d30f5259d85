/*
 * helpers/logind/login1.c - logind on the system bus.
 *
 * MUST: believe a signal only when its sender is the process that owns
 * org.freedesktop.login1.  A match rule is not enough: whoever is on the bus
 * can send a signal to us alone, which no rule filters, and sd-bus lets it pass.
 *
 * A screen was locked and it cannot be told whose: that is a reason to lock.
 * Who is left cannot be told: look again later, for the bus may be going down.
 */
#include "helpers/logind/login1.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "base/fail.h"
#include "base/io.h"
#include "helpers/logind/lock_client.h"

#define LOGIN1 "org.freedesktop.login1"
#define MANAGER_PATH "/org/freedesktop/login1"
#define MANAGER LOGIN1 ".Manager"
#define SESSION LOGIN1 ".Session"
#define FROM_SESSION "type='signal',sender='" LOGIN1 "',path_namespace='" MANAGER_PATH "/session',"

#define BUS "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

#define CALL_TIMEOUT_US 5000000 /* logind answers at once, or is in trouble */
#define SLEEP_WAIT_MS 3000	/* logind itself waits 5 s (InhibitDelayMaxSec=) */
/*
 * A session whose processes go on after the log-out (a broker that was started
 * in it is one) is never removed: logind calls it "closing", and sends nothing.
 */
#define LOOK_EVERY_MS 20000

static const char mend[] = "without logind, close the vault by hand: ccctl lock";

/* A call or a match failed; r is what sd-bus returned.  Frees e. */
static int bus_failed(struct failure *f, int r, sd_bus_error *e, const char *what)
{
	fail_set(f, FAIL_SYSTEM, mend, "%s: %s", what, e && e->message ? e->message : strerror(-r));
	if (e)
		sd_bus_error_free(e);
	return -1;
}

/* ---- asking ---- */

/* A property of a session that is text; NULL when it cannot be read.  Free it. */
static char *session_text(struct login1 *l, const char *path, const char *name)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	char *text = NULL;

	if (sd_bus_get_property_string(l->bus, LOGIN1, path, SESSION, name, &e, &text) < 0)
		text = NULL;
	sd_bus_error_free(&e);
	return text;
}

/*
 * Does a person sit in this session?  Not in one that is closing, in a cron
 * job's (background), or in the user manager's own (systemd 256 lists it).
 */
static bool is_login(struct login1 *l, const char *path)
{
	char *class = session_text(l, path, "Class"), *state = session_text(l, path, "State");
	bool yes = class && state && strcmp(state, "closing") != 0 &&
		   strncmp(class, "background", 10) != 0 && strncmp(class, "manager", 7) != 0;

	free(class);
	free(state);
	return yes;
}

/* How many sessions this uid has: the one with this path, or (NULL) log-ins.  -1: cannot tell. */
static int count_sessions(struct login1 *l, const char *path, struct failure *f)
{
	const char *id, *user, *seat, *found;
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	uint32_t uid;
	int r, n = 0;

	r = sd_bus_call_method(l->bus, LOGIN1, MANAGER_PATH, MANAGER, "ListSessions", &e, &reply, NULL);
	if (r < 0)
		return bus_failed(f, r, &e, "ask logind for the sessions");
	r = sd_bus_message_enter_container(reply, 'a', "(susso)");
	while (r >= 0 && (r = sd_bus_message_read(reply, "(susso)", &id, &uid, &user, &seat, &found)) > 0)
		if (uid == l->uid && (path ? strcmp(path, found) == 0 : is_login(l, found)))
			n++;
	sd_bus_message_unref(reply);
	return r < 0 ? bus_failed(f, r, NULL, "logind's list of sessions") : n;
}

/* Look who is left, and lock when this uid was logged in and is not any more. */
static int look(struct login1 *l, struct failure *f)
{
	int n = count_sessions(l, NULL, f);

	l->looked = io_now_ms();
	if (n < 0)
		return -1;
	/* Not "nobody is logged in": a broker on a server may never see a log-in. */
	if (l->logged_in && n == 0)
		lock_client_send(l->watch, "logout");
	l->logged_in = n > 0;
	return 0;
}

/* ---- the inhibitor ---- */

static void drop_inhibitor(struct login1 *l)
{
	if (l->inhibitor >= 0)
		close(l->inhibitor);
	l->inhibitor = -1;
}

/* Sleep goes on without us when there is none: worth a warning, no more. */
static void take_inhibitor(struct login1 *l)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	struct failure f;
	int r, fd = -1;

	drop_inhibitor(l);
	r = sd_bus_call_method(l->bus, LOGIN1, MANAGER_PATH, MANAGER, "Inhibit", &e, &reply, "ssss",
			       "sleep", "ccrun", "the vault is locked before sleep", "delay");
	if (r >= 0)
		r = sd_bus_message_read(reply, "h", &fd);
	/* The message's descriptor ends with the message. */
	if (r >= 0 && (l->inhibitor = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)
		r = -errno;
	sd_bus_message_unref(reply);
	if (r >= 0)
		return;
	bus_failed(&f, r, &e, "sleep will not wait until the vault is locked");
	fail_hint(&f, "may you take a delay inhibitor? systemd-inhibit --mode=delay true");
	fail_print(PROGRAM, &f);
}

/* ---- what we are told ---- */

/* Is this from logind itself, whatever the rule let through? */
static bool genuine(const struct login1 *l, sd_bus_message *m)
{
	const char *sender = sd_bus_message_get_sender(m);

	return l->owner[0] && sender && strcmp(sender, l->owner) == 0;
}

static int on_sleep(sd_bus_message *m, void *data, sd_bus_error *e)
{
	struct login1 *l = data;
	int going;

	(void)e;
	if (!genuine(l, m) || sd_bus_message_read(m, "b", &going) < 0)
		return 0;
	if (going) {
		lock_client_send(l->watch, "suspend");
		lock_client_wait(l->watch, SLEEP_WAIT_MS);
		drop_inhibitor(l);
	} else {
		take_inhibitor(l);
	}
	return 0;
}

/* SessionNew, SessionRemoved, UserRemoved: whoever it was, look. */
static int on_coming_and_going(sd_bus_message *m, void *data, sd_bus_error *e)
{
	(void)e;
	if (genuine(data, m))
		look(data, NULL);
	return 0;
}

/* The screen of a session was locked: ours? */
static void screen_locked(struct login1 *l, const char *path)
{
	if (count_sessions(l, path, NULL) != 0)
		lock_client_send(l->watch, "screen");
}

static int on_lock(sd_bus_message *m, void *data, sd_bus_error *e)
{
	(void)e;
	if (genuine(data, m))
		screen_locked(data, sd_bus_message_get_path(m));
	return 0;
}

/* Is LockedHint=true among these properties? */
static bool hint_set(sd_bus_message *m)
{
	const char *interface, *name;
	int hint = 0;

	if (sd_bus_message_read(m, "s", &interface) < 0 || strcmp(interface, SESSION) != 0 ||
	    sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
		return false;
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		if (sd_bus_message_read(m, "s", &name) < 0)
			return false;
		if (strcmp(name, "LockedHint") == 0)
			return sd_bus_message_read(m, "v", "b", &hint) >= 0 && hint;
		if (sd_bus_message_skip(m, "v") < 0 || sd_bus_message_exit_container(m) < 0)
			return false;
	}
	return false;
}

static int on_properties(sd_bus_message *m, void *data, sd_bus_error *e)
{
	(void)e;
	if (genuine(data, m) && hint_set(m))
		screen_locked(data, sd_bus_message_get_path(m));
	return 0;
}

/* logind was started anew (or is gone: then it will be).  Only the bus says so. */
static int on_owner(sd_bus_message *m, void *data, sd_bus_error *e)
{
	const char *sender = sd_bus_message_get_sender(m), *name, *old, *new;
	struct login1 *l = data;

	(void)e;
	if (!sender || strcmp(sender, BUS) != 0 || sd_bus_message_read(m, "sss", &name, &old, &new) < 0 ||
	    strcmp(name, LOGIN1) != 0 || strlen(new) >= sizeof(l->owner))
		return 0;
	strcpy(l->owner, new);
	if (l->owner[0]) {
		look(l, NULL);
		take_inhibitor(l);
	}
	return 0;
}

/* ---- the bus ---- */

static int subscribe(struct login1 *l, struct failure *f)
{
	static const struct {
		const char *rule;
		sd_bus_message_handler_t heard;
	} rules[] = {
		{ "type='signal',sender='" BUS "',interface='" BUS "',member='NameOwnerChanged',arg0='" LOGIN1 "'",
		  on_owner },
		{ "type='signal',sender='" LOGIN1 "',interface='" MANAGER "',member='PrepareForSleep'", on_sleep },
		{ "type='signal',sender='" LOGIN1 "',interface='" MANAGER "',member='SessionNew'", on_coming_and_going },
		{ "type='signal',sender='" LOGIN1 "',interface='" MANAGER "',member='SessionRemoved'",
		  on_coming_and_going },
		{ "type='signal',sender='" LOGIN1 "',interface='" MANAGER "',member='UserRemoved'", on_coming_and_going },
		{ FROM_SESSION "interface='" SESSION "',member='Lock'", on_lock },
		{ FROM_SESSION "interface='" BUS ".Properties',member='PropertiesChanged',arg0='" SESSION "'",
		  on_properties },
	};
	unsigned i;
	int r;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		r = sd_bus_add_match(l->bus, NULL, rules[i].rule, rules[i].heard, l);
		if (r < 0)
			return bus_failed(f, r, NULL, "subscribe to logind's signals");
	}
	return 0;
}

/* Who is logind now?  (After a call to it, which starts it where it is not.) */
static int find_owner(struct login1 *l, struct failure *f)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	const char *name = "";
	int r;

	r = sd_bus_call_method(l->bus, BUS, BUS_PATH, BUS, "GetNameOwner", &e, &reply, "s", LOGIN1);
	if (r < 0)
		return bus_failed(f, r, &e, "look for logind");
	r = sd_bus_message_read(reply, "s", &name);
	if (r >= 0 && strlen(name) < sizeof(l->owner))
		strcpy(l->owner, name);
	sd_bus_message_unref(reply);
	return r < 0 || !l->owner[0] ? bus_failed(f, -EBADMSG, NULL, "look for logind") : 0;
}

int login1_attach(struct login1 *l, struct failure *f)
{
	int r;

	l->owner[0] = '\0';
	r = sd_bus_open_system(&l->bus);
	if (r < 0)
		return bus_failed(f, r, NULL, "connect to the system bus");
	r = sd_bus_set_method_call_timeout(l->bus, CALL_TIMEOUT_US);
	if (r < 0) {
		bus_failed(f, r, NULL, "set up the system bus");
	} else if (subscribe(l, f) == 0 && look(l, f) == 0 && find_owner(l, f) == 0) {
		take_inhibitor(l);
		return 0;
	}
	login1_detach(l);
	return -1;
}

void login1_detach(struct login1 *l)
{
	drop_inhibitor(l);
	l->bus = sd_bus_close_unref(l->bus);
}

int login1_process(struct login1 *l, struct failure *f)
{
	int r = sd_bus_process(l->bus, NULL);

	/* The end is told once, as a message of sd-bus's own. */
	if (r >= 0 && sd_bus_is_open(l->bus) <= 0)
		r = -ECONNRESET;
	if (r < 0)
		return bus_failed(f, r, NULL, "the system bus is lost");
	return r > 0;
}

void login1_poll(struct login1 *l, struct pollfd *p, int *timeout)
{
	int64_t left = l->logged_in ? l->looked + LOOK_EVERY_MS - io_now_ms() : INT_MAX, bus_left;
	struct timespec now;
	uint64_t until;
	int events = sd_bus_get_events(l->bus);

	p->fd = sd_bus_get_fd(l->bus);
	p->events = (short)(events < 0 ? POLLIN : events);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (sd_bus_get_timeout(l->bus, &until) >= 0 && until != UINT64_MAX) {
		bus_left = (int64_t)(until / 1000) - now.tv_sec * 1000 - now.tv_nsec / 1000000 + 1;
		left = bus_left < left ? bus_left : left;
	}
	*timeout = left == INT_MAX ? -1 : left < 0 ? 0 : (int)left;
}

void login1_tick(struct login1 *l)
{
	if (l->logged_in && io_now_ms() - l->looked >= LOOK_EVERY_MS)
		look(l, NULL);
}
