/*
 * helpers/logind/sessions.c - logind's list of sessions, and who has logged out.
 */
#include "helpers/logind/sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "helpers/logind/lock_client.h"
#include "helpers/logind/login1.h"
#include "helpers/logind/login1_bus.h"

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

bool sessions_count_user(const struct login1 *l, uid_t uid)
{
	return l->all || uid == l->uid;
}

/* Append a session of logind's list.  0, or a negative errno. */
static int list_add(struct login1 *l, struct login1_session **list, unsigned *n, uint32_t uid,
		    const char *path)
{
	struct login1_session *more = reallocarray(*list, *n + 1, sizeof(**list)), *s;

	if (!more)
		return -ENOMEM;
	*list = more;
	s = &more[*n];
	if (strlen(path) >= sizeof(s->path))
		return -ENAMETOOLONG;
	strcpy(s->path, path);
	s->uid = uid;
	s->login = sessions_count_user(l, uid) && session_is_login(l, path);
	++*n;
	return 0;
}

/* *list, *n: every session that logind has; the caller frees it, also on failure. */
static int list_fetch(struct login1 *l, struct login1_session **list, unsigned *n,
		      struct failure *f)
{
	const char *id, *user, *seat, *path;
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	uint32_t uid;
	int r;

	*list = NULL;
	*n = 0;
	r = sd_bus_call_method(l->bus, LOGIN1, MANAGER_PATH, MANAGER, "ListSessions", &e, &reply,
			       NULL);
	if (r < 0)
		return login1_bus_failure(f, r, &e, "ask logind for the sessions");
	r = sd_bus_message_enter_container(reply, 'a', "(susso)");
	while (r >= 0 &&
	       (r = sd_bus_message_read(reply, "(susso)", &id, &uid, &user, &seat, &path)) > 0)
		r = list_add(l, list, n, uid, path);
	sd_bus_message_unref(reply);
	return r < 0 ? login1_bus_failure(f, r, NULL, "logind's list of sessions") : 0;
}

static bool list_has_login(const struct login1_session *list, unsigned n, uid_t uid)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (list[i].login && list[i].uid == uid)
			return true;
	return false;
}

int sessions_check(struct login1 *l, struct failure *f)
{
	struct login1_session *now, *was = l->session;
	unsigned n, i;
	int r = list_fetch(l, &now, &n, f);

	l->checked = clock_now_ms();
	l->stale = false;
	if (r != 0) {
		free(now);
		return -1;
	}
	/* Only on a change: a broker on a server may never see a log-in. */
	for (i = 0; i < l->sessions; i++)
		if (was[i].login && !list_has_login(was, i, was[i].uid) &&
		    !list_has_login(now, n, was[i].uid))
			lock_client_send(l->broker, "logout", was[i].uid);
	free(was);
	l->session = now;
	l->sessions = n;
	l->logged_in = false;
	for (i = 0; i < n; i++)
		l->logged_in = l->logged_in || now[i].login;
	return 0;
}

const struct login1_session *sessions_find(const struct login1 *l, const char *path)
{
	unsigned i;

	for (i = 0; i < l->sessions; i++)
		if (strcmp(l->session[i].path, path) == 0)
			return &l->session[i];
	return NULL;
}

void sessions_forget(struct login1 *l)
{
	free(l->session);
	l->session = NULL;
	l->sessions = 0;
}
