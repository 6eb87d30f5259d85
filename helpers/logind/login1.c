/*
 * helpers/logind/login1.c - logind on the system bus.
 *
 * MUST: accept a signal only if its sender owns org.freedesktop.login1.  A match
 * rule does not ensure that: any process on the bus can send a signal to our
 * unique name, match rules do not filter such signals, and sd-bus delivers them.
 *
 * When a call to logind fails:
 *   - a screen lock whose session we cannot look up locks the vault, or every vault;
 *   - a log-out check that fails does not: the bus may be restarting.  The next
 *     check decides.
 */
#include "helpers/logind/login1.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-login.h>

#include "base/fail.h"
#include "base/io.h"
#include "helpers/logind/inhibitor.h"
#include "helpers/logind/lock_client.h"
#include "helpers/logind/login1_bus.h"
#include "helpers/logind/sessions.h"
#include "helpers/logind/system_bus.h"

#define SESSION_SIGNAL \
	"type='signal',sender='" LOGIN1 "',path_namespace='" MANAGER_PATH "/session',"

#define BUS "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

#define CALL_TIMEOUT_US 5000000 /* logind answers at once; longer means that it hangs */
#define SLEEP_WAIT_MS 3000	/* below the 5 s for which logind waits (InhibitDelayMaxSec=) */
/*
 * logind does not remove a session while processes of it run.  After the log-out the
 * session is "closing", and no signal says so; but logind writes it to the session's
 * file.  It writes that for much else too, so look only so often.  Where the files cannot
 * be watched, only a periodic check finds it.
 */
#define CHECK_PAUSE_MS 500
#define CHECK_EVERY_MS 20000

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
		lock_client_send(l->broker, "suspend", LOCK_EVERYONE);
		lock_client_wait(l->broker, SLEEP_WAIT_MS);
		inhibitor_release(l);
		l->released = true;
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
		sessions_check(data, NULL);
	return 0;
}

/*
 * A session's screen was locked: lock its user's vault.  Logind is asked only for a
 * session that is not known: a user can lock the own screen over and over, and the
 * signals of others wait behind these.
 */
static void handle_screen_lock(struct login1 *l, const char *path)
{
	const struct login1_session *s = sessions_find(l, path);

	if (!s && sessions_check(l, NULL) != 0) {
		lock_client_send(l->broker, "screen", LOCK_EVERYONE);
		return;
	}
	if (!s)
		s = sessions_find(l, path);
	if (s && sessions_count_user(l, s->uid))
		lock_client_send(l->broker, "screen", s->uid);
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
		sessions_check(l, NULL);
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
	r = system_bus_open(&l->bus);
	if (r < 0)
		return login1_bus_failure(f, r, NULL, "connect to the system bus");
	r = sd_bus_set_method_call_timeout(l->bus, CALL_TIMEOUT_US);
	if (r < 0) {
		login1_bus_failure(f, r, NULL, "set up the system bus");
	} else if (login1_subscribe(l, f) == 0 && sessions_check(l, f) == 0 &&
		   login1_find_owner(l, f) == 0) {
		inhibitor_take(l);
		if (sd_login_monitor_new("session", &l->monitor) < 0)
			l->monitor = NULL;
		return 0;
	}
	login1_detach(l);
	return -1;
}

void login1_detach(struct login1 *l)
{
	inhibitor_release(l);
	l->monitor = sd_login_monitor_unref(l->monitor);
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

/* When to check next (clock_now_ms). */
static int64_t next_check(const struct login1 *l)
{
	return l->logged_in ? l->checked + (l->stale ? CHECK_PAUSE_MS : CHECK_EVERY_MS) : INT64_MAX;
}

/* When sd-bus wants to be called (clock_now_ms, which may be another clock than sd-bus's). */
static int64_t next_bus_timeout(struct login1 *l)
{
	struct timespec now;
	uint64_t until;

	if (sd_bus_get_timeout(l->bus, &until) < 0 || until == UINT64_MAX)
		return INT64_MAX;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return clock_now_ms() + (int64_t)(until / 1000) - now.tv_sec * 1000 -
	       now.tv_nsec / 1000000 + 1;
}

void login1_poll(struct login1 *l, struct pollfd *p, int *timeout)
{
	int64_t at = next_check(l), bus = next_bus_timeout(l), again = inhibitor_next_try(l), left;
	int events = sd_bus_get_events(l->bus);

	p[0].fd = sd_bus_get_fd(l->bus);
	p[0].events = (short)(events < 0 ? POLLIN : events);
	p[1].fd = l->monitor ? sd_login_monitor_get_fd(l->monitor) : -1;
	p[1].events = POLLIN;
	p[0].revents = p[1].revents = 0;
	at = bus < at ? bus : at;
	at = again < at ? again : at;
	left = at - clock_now_ms();
	*timeout = at == INT64_MAX ? -1 : left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

void login1_tick(struct login1 *l)
{
	struct pollfd p = { .events = POLLIN };

	p.fd = l->monitor ? sd_login_monitor_get_fd(l->monitor) : -1;
	if (p.fd >= 0 && poll(&p, 1, 0) > 0) {
		sd_login_monitor_flush(l->monitor);
		l->stale = true;
	}
	if (clock_now_ms() >= next_check(l))
		sessions_check(l, NULL);
	if (clock_now_ms() >= inhibitor_next_try(l))
		inhibitor_take(l);
}
