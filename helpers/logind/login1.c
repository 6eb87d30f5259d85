/*
 * helpers/logind/login1.c - logind on the system bus.
 *
 * MUST: accept a signal only if its sender owns org.freedesktop.login1.  A match
 * rule does not ensure that: any process on the bus can send a signal to our
 * unique name, match rules do not filter such signals, and sd-bus delivers them.
 *
 * When a call to logind fails:
 *   - a screen lock whose session we cannot look up locks the vault;
 *   - a log-out check that fails does not: the bus may be restarting.  The next
 *     check decides.
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
#include "helpers/logind/program.h"

#define LOGIN1 "org.freedesktop.login1"
#define MANAGER_PATH "/org/freedesktop/login1"
#define MANAGER LOGIN1 ".Manager"
#define SESSION LOGIN1 ".Session"
#define SESSION_SIGNAL \
	"type='signal',sender='" LOGIN1 "',path_namespace='" MANAGER_PATH "/session',"

#define BUS "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

#define CALL_TIMEOUT_US 5000000 /* logind answers at once; longer means that it hangs */
#define SLEEP_WAIT_MS 3000	/* below the 5 s for which logind waits (InhibitDelayMaxSec=) */
/*
 * logind does not remove a session while processes of it run, such as a broker that
 * was started in it.  After the log-out the session is "closing", and no signal says
 * so; only a periodic check finds it.
 */
#define CHECK_EVERY_MS 20000

#define HINT_LOCK_BY_HAND "without logind, close the vault by hand: ccctl lock"

/* A failure from sd-bus's return value r and error e (NULL for none), which is freed. */
static int login1_bus_failure(struct failure *f, int r, sd_bus_error *e, const char *what)
{
	fail_set(f, FAIL_SYSTEM, HINT_LOCK_BY_HAND, "%s: %s", what,
		 e && e->message ? e->message : strerror(-r));
	if (e)
		sd_bus_error_free(e);
	return -1;
}

/* ---- sessions ---- */

/* A text property of the session at path; NULL if it cannot be read.  The caller frees it. */
static char *session_get_property(struct login1 *l, const char *path, const char *name)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	char *text = NULL;

	if (sd_bus_get_property_string(l->bus, LOGIN1, path, SESSION, name, &e, &text) < 0)
		text = NULL;
	sd_bus_error_free(&e);
	return text;
}

/*
 * Is this session a person's log-in?  A closing session is not, nor are a cron
 * job's (background) and the user manager's own (which systemd 256 lists).
 */
static bool session_is_login(struct login1 *l, const char *path)
{
	char *class = session_get_property(l, path, "Class"),
	     *state = session_get_property(l, path, "State");
	bool yes = class && state && strcmp(state, "closing") != 0 &&
		   strncmp(class, "background", 10) != 0 && strncmp(class, "manager", 7) != 0;

	free(class);
	free(state);
	return yes;
}

/*
 * The number of this uid's sessions that have this path, or with NULL that are
 * log-ins.  -1 with f set if logind cannot be asked.
 */
static int count_sessions(struct login1 *l, const char *path, struct failure *f)
{
	const char *id, *user, *seat, *found;
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	uint32_t uid;
	int r, n = 0;

	r = sd_bus_call_method(l->bus, LOGIN1, MANAGER_PATH, MANAGER, "ListSessions", &e, &reply,
			       NULL);
	if (r < 0)
		return login1_bus_failure(f, r, &e, "ask logind for the sessions");
	r = sd_bus_message_enter_container(reply, 'a', "(susso)");
	while (r >= 0 &&
	       (r = sd_bus_message_read(reply, "(susso)", &id, &uid, &user, &seat, &found)) > 0)
		if (uid == l->uid && (path ? strcmp(path, found) == 0 : session_is_login(l, found)))
			n++;
	sd_bus_message_unref(reply);
	return r < 0 ? login1_bus_failure(f, r, NULL, "logind's list of sessions") : n;
}

/* Lock the vault if the uid was logged in at the last check and is not now. */
static int check_logged_in(struct login1 *l, struct failure *f)
{
	int n = count_sessions(l, NULL, f);

	l->checked = clock_now_ms();
	if (n < 0)
		return -1;
	/* Only on a change: a broker on a server may never see a log-in. */
	if (l->logged_in && n == 0)
		lock_client_send(l->broker, "logout");
	l->logged_in = n > 0;
	return 0;
}

/* ---- the inhibitor ---- */

static void inhibitor_release(struct login1 *l)
{
	if (l->inhibitor >= 0)
		close(l->inhibitor);
	l->inhibitor = -1;
}

/* Without an inhibitor sleep does not wait for us.  That is only a warning. */
static void inhibitor_take(struct login1 *l)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	struct failure f;
	int r, fd = -1;

	inhibitor_release(l);
	r = sd_bus_call_method(l->bus, LOGIN1, MANAGER_PATH, MANAGER, "Inhibit", &e, &reply, "ssss",
			       "sleep", "ccrun", "the vault is locked before sleep", "delay");
	if (r >= 0)
		r = sd_bus_message_read(reply, "h", &fd);
	/* The descriptor belongs to the message: duplicate it. */
	if (r >= 0 && (l->inhibitor = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)
		r = -errno;
	sd_bus_message_unref(reply);
	if (r >= 0)
		return;
	login1_bus_failure(&f, r, &e, "sleep will not wait until the vault is locked");
	fail_hint(&f, "may you take a delay inhibitor? systemd-inhibit --mode=delay true");
	fail_print(PROGRAM, &f);
}

/* ---- signals ---- */

/* The check of the sender that the file's head demands. */
static bool message_is_from_logind(const struct login1 *l, sd_bus_message *m)
{
	const char *sender = sd_bus_message_get_sender(m);

	return l->owner[0] && sender && strcmp(sender, l->owner) == 0;
}

static int on_prepare_for_sleep(sd_bus_message *m, void *data, sd_bus_error *e)
{
	struct login1 *l = data;
	int going;

	(void)e;
	if (!message_is_from_logind(l, m) || sd_bus_message_read(m, "b", &going) < 0)
		return 0;
	if (going) {
		lock_client_send(l->broker, "suspend");
		lock_client_wait(l->broker, SLEEP_WAIT_MS);
		inhibitor_release(l);
	} else {
		inhibitor_take(l);
	}
	return 0;
}

/* SessionNew, SessionRemoved, UserRemoved, of any user. */
static int on_session_change(sd_bus_message *m, void *data, sd_bus_error *e)
{
	(void)e;
	if (message_is_from_logind(data, m))
		check_logged_in(data, NULL);
	return 0;
}

/* A session's screen was locked: lock the vault unless it is another user's session. */
static void handle_screen_lock(struct login1 *l, const char *path)
{
	if (count_sessions(l, path, NULL) != 0)
		lock_client_send(l->broker, "screen");
}

static int on_session_lock(sd_bus_message *m, void *data, sd_bus_error *e)
{
	(void)e;
	if (message_is_from_logind(data, m))
		handle_screen_lock(data, sd_bus_message_get_path(m));
	return 0;
}

/* Does this PropertiesChanged signal set LockedHint to true? */
static bool message_sets_locked_hint(sd_bus_message *m)
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

static int on_properties_changed(sd_bus_message *m, void *data, sd_bus_error *e)
{
	(void)e;
	if (message_is_from_logind(data, m) && message_sets_locked_hint(m))
		handle_screen_lock(data, sd_bus_message_get_path(m));
	return 0;
}

/* logind was restarted, or has ended (an empty new owner).  Only the bus itself may say so. */
static int on_owner_changed(sd_bus_message *m, void *data, sd_bus_error *e)
{
	const char *sender = sd_bus_message_get_sender(m), *name, *old, *new;
	struct login1 *l = data;

	(void)e;
	if (!sender || strcmp(sender, BUS) != 0 ||
	    sd_bus_message_read(m, "sss", &name, &old, &new) < 0 || strcmp(name, LOGIN1) != 0 ||
	    strlen(new) >= sizeof(l->owner))
		return 0;
	strcpy(l->owner, new);
	if (l->owner[0]) {
		check_logged_in(l, NULL);
		inhibitor_take(l);
	}
	return 0;
}

/* ---- the bus ---- */

static int login1_subscribe(struct login1 *l, struct failure *f)
{
	static const struct {
		const char *rule;
		sd_bus_message_handler_t heard;
	} rules[] = {
		{ "type='signal',sender='" BUS "',interface='" BUS
		  "',member='NameOwnerChanged',arg0='" LOGIN1 "'",
		  on_owner_changed },
		{ "type='signal',sender='" LOGIN1 "',interface='" MANAGER
		  "',member='PrepareForSleep'",
		  on_prepare_for_sleep },
		{ "type='signal',sender='" LOGIN1 "',interface='" MANAGER "',member='SessionNew'",
		  on_session_change },
		{ "type='signal',sender='" LOGIN1 "',interface='" MANAGER
		  "',member='SessionRemoved'",
		  on_session_change },
		{ "type='signal',sender='" LOGIN1 "',interface='" MANAGER "',member='UserRemoved'",
		  on_session_change },
		{ SESSION_SIGNAL "interface='" SESSION "',member='Lock'", on_session_lock },
		{ SESSION_SIGNAL "interface='" BUS
				 ".Properties',member='PropertiesChanged',arg0='" SESSION "'",
		  on_properties_changed },
	};
	unsigned i;
	int r;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		r = sd_bus_add_match(l->bus, NULL, rules[i].rule, rules[i].heard, l);
		if (r < 0)
			return login1_bus_failure(f, r, NULL, "subscribe to logind's signals");
	}
	return 0;
}

/* Get logind's unique name.  Call it after a method call, which starts logind if need be. */
static int login1_find_owner(struct login1 *l, struct failure *f)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	const char *name = "";
	int r;

	r = sd_bus_call_method(l->bus, BUS, BUS_PATH, BUS, "GetNameOwner", &e, &reply, "s", LOGIN1);
	if (r < 0)
		return login1_bus_failure(f, r, &e, "look for logind");
	r = sd_bus_message_read(reply, "s", &name);
	if (r >= 0 && strlen(name) < sizeof(l->owner))
		strcpy(l->owner, name);
	sd_bus_message_unref(reply);
	return r < 0 || !l->owner[0] ? login1_bus_failure(f, -EBADMSG, NULL, "look for logind") : 0;
}

int login1_attach(struct login1 *l, struct failure *f)
{
	int r;

	l->owner[0] = '\0';
	r = sd_bus_open_system(&l->bus);
	if (r < 0)
		return login1_bus_failure(f, r, NULL, "connect to the system bus");
	r = sd_bus_set_method_call_timeout(l->bus, CALL_TIMEOUT_US);
	if (r < 0) {
		login1_bus_failure(f, r, NULL, "set up the system bus");
	} else if (login1_subscribe(l, f) == 0 && check_logged_in(l, f) == 0 &&
		   login1_find_owner(l, f) == 0) {
		inhibitor_take(l);
		return 0;
	}
	login1_detach(l);
	return -1;
}

void login1_detach(struct login1 *l)
{
	inhibitor_release(l);
	l->bus = sd_bus_close_unref(l->bus);
}

int login1_process(struct login1 *l, struct failure *f)
{
	int r = sd_bus_process(l->bus, NULL);

	/* sd-bus reports the end of the connection once, as a message of its own. */
	if (r >= 0 && sd_bus_is_open(l->bus) <= 0)
		r = -ECONNRESET;
	if (r < 0)
		return login1_bus_failure(f, r, NULL, "the system bus is lost");
	return r > 0;
}

void login1_poll(struct login1 *l, struct pollfd *p, int *timeout)
{
	int64_t left = l->logged_in ? l->checked + CHECK_EVERY_MS - clock_now_ms() : INT_MAX,
		bus_left;
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
	if (l->logged_in && clock_now_ms() - l->checked >= CHECK_EVERY_MS)
		check_logged_in(l, NULL);
}
