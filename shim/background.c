/*
 * shim/background.c - the client's background service, and its words for tmux.
 */
#include "shim/background.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/proc.h"
#include "config/client/client_dir.h"
#include "config/provider/provider.h"
#include "dial/dial.h"

#define LOCK_FILE_MAX 4096 /* bytes; a path of its is the longest part */
#define END_MS 3000	   /* the client's service takes some milliseconds */
#define STOP_IT "in a terminal outside every session: claude daemon stop --any"

bool background_wanted(char *const *words)
{
	static const char *const verbs[] = { "agents", "attach", "respawn" };
	unsigned i;

	for (i = 0; words[0] && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(words[0], verbs[i]) == 0)
			return true;
	for (; *words && strcmp(*words, "--") != 0; words++)
		if (strcmp(*words, "--bg") == 0 || strcmp(*words, "--background") == 0)
			return true;
	return false;
}

bool tmux_wanted(char *const *words)
{
	for (; *words && strcmp(*words, "--") != 0; words++)
		if (strcmp(*words, "--tmux") == 0 || strncmp(*words, "--tmux=", 7) == 0)
			return true;
	return false;
}

/* The number behind "pid": in the client's file, the first of two; or 0. */
static pid_t lock_read_pid(const char *text)
{
	const char *at = strstr(text, "\"pid\":");
	long pid = at ? strtol(at + strlen("\"pid\":"), NULL, 10) : 0;

	return pid > 1 && pid == (pid_t)pid ? (pid_t)pid : 0;
}

/* The service of p's client, or 0. */
static pid_t service_pid(const struct provider *p)
{
	char dir[PATH_SIZE], path[PATH_SIZE + sizeof("/daemon.lock")], *text = NULL;
	struct proc_stat st;
	pid_t pid;
	size_t n;

	if (client_config_dir(p, dir, NULL) != 0)
		return 0;
	snprintf(path, sizeof(path), "%s/daemon.lock", dir);
	if (io_slurp(path, LOCK_FILE_MAX, &text, &n, NULL) != 0)
		return 0;
	pid = lock_read_pid(text);
	free(text);
	return pid && proc_stat(pid, &st) == 0 ? pid : 0;
}

/* ---- what the broker knows of it ---- */

/* A session of the broker's list. */
struct listed {
	char id[17], inside[17], name[2 * NAME_MAX_LEN + 2];
	pid_t pid;
	bool background, ended;
};

static int listed_read(struct wire_map m, struct listed *s)
{
	char provider[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];
	uint64_t pid;

	memset(s, 0, sizeof(*s));
	if (wire_get_text(m, "id", s->id, sizeof(s->id), NULL) != 0 ||
	    wire_get_text(m, "provider", provider, sizeof(provider), NULL) != 0 ||
	    wire_get_text(m, "mode", mode, sizeof(mode), NULL) != 0 ||
	    wire_get_uint(m, "pid", &pid, NULL) != 0)
		return -1;
	snprintf(s->name, sizeof(s->name), "%s%s%s", provider, mode[0] ? ":" : "", mode);
	s->pid = (pid_t)pid;
	if (wire_has(m, "inside") &&
	    wire_get_text(m, "inside", s->inside, sizeof(s->inside), NULL) != 0)
		return -1;
	if (wire_has(m, "background") && wire_get_bool(m, "background", &s->background, NULL) != 0)
		return -1;
	return wire_has(m, "ended") ? wire_get_bool(m, "ended", &s->ended, NULL) : 0;
}

typedef bool (*listed_match)(const struct listed *s, const void *arg);

/* The first session of the broker's list that matches.  Is there one? */
static bool sessions_find(struct dial *d, listed_match match, const void *arg, struct listed *out)
{
	uint64_t after = 0, from;
	struct wire_out *o;
	struct wire_map item;
	unsigned i, n;

	do {
		from = after;
		o = wire_request("sessions");
		wire_put_uint(o, "after", from);
		if (dial_call(d, o, NULL, NULL) != 0 ||
		    wire_get_uint(d->in.top, "next", &after, NULL) != 0 ||
		    wire_get_array(d->in.top, "sessions", &n, NULL) != 0)
			return false;
		for (i = 0; i < n; i++)
			if (wire_get_item(d->in.top, "sessions", i, &item, NULL) == 0 &&
			    listed_read(item, out) == 0 && match(out, arg))
				return true;
	} while (after > from);
	return false;
}

/* Inside another session, as what the client's launcher variable starts is. */
static bool listed_is_service(const struct listed *s, const void *arg)
{
	return s->inside[0] && s->pid == *(const pid_t *)arg;
}

static bool listed_has_id(const struct listed *s, const void *arg)
{
	return strcmp(s->id, (const char *)arg) == 0;
}

static void service_find_owner(const struct provider *p, struct background *b)
{
	static char reply[WIRE_PACKET_MAX]; /* no secret */
	char ours[sizeof(b->name)];
	struct listed s, root;
	struct dial d;

	b->owner = BACKGROUND_UNKNOWN;
	if (dial_open(&d, false, reply, sizeof(reply), NULL) == 0 &&
	    sessions_find(&d, listed_is_service, &b->pid, &s)) {
		snprintf(ours, sizeof(ours), "%s%s%s", p->name, p->mode[0] ? ":" : "", p->mode);
		memcpy(b->name, s.name, sizeof(b->name));
		b->owner = s.ended		       ? BACKGROUND_ENDED
			   : strcmp(s.name, ours) != 0 ? BACKGROUND_ANOTHER
						       : BACKGROUND_OURS;
		if (b->owner == BACKGROUND_OURS &&
		    sessions_find(&d, listed_has_id, s.inside, &root) && !root.background)
			memcpy(b->session, root.id, sizeof(b->session));
	}
	dial_close(&d);
}

void background_find(const struct provider *p, struct background *b)
{
	struct proc_stat st;

	memset(b, 0, sizeof(*b));
	b->pid = service_pid(p);
	if (b->pid == 0)
		return;
	if (proc_marked(b->pid) != 0 && !proc_self_marked())
		service_find_owner(p, b);
	else if (proc_marked(b->pid) != 0)
		b->pid = 0; /* ours, for all that a session is told */
	/* One of another user, or of a container that shares the directory, is none of ours. */
	else if (proc_stat(b->pid, &st) == 0 && st.owner == geteuid())
		b->owner = BACKGROUND_OUTSIDE;
}

bool background_end(const struct provider *p, struct background *b)
{
	struct pollfd ended = { .events = POLLIN };
	pid_t pid = b->pid;
	bool r = false;

	/* The client's file is the session's, too, and may name any process: whose the service
	 * is says the broker, and by the descriptor it is the same one still. */
	ended.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ended.fd < 0)
		return false;
	background_find(p, b);
	if (b->owner == BACKGROUND_ENDED && b->pid == pid &&
	    syscall(SYS_pidfd_send_signal, ended.fd, SIGTERM, NULL, 0) == 0)
		r = poll(&ended, 1, END_MS) == 1;
	close(ended.fd);
	if (r)
		memset(b, 0, sizeof(*b));
	return r;
}

int background_check(const struct background *b, bool scoped, struct failure *f)
{
	if (b->owner == BACKGROUND_ENDED)
		return fail_set(f, FAIL_POLICY, STOP_IT,
				"claude's background service (process %d) belongs to a session "
				"that has ended, and does not end",
				(int)b->pid);
	/* One outside is ended by the client itself, where it can. */
	if (b->owner == BACKGROUND_OUTSIDE && scoped)
		return fail_set(f, FAIL_POLICY, STOP_IT,
				"claude's background service (process %d) runs outside, with your "
				"own login, and a confined session cannot replace it",
				(int)b->pid);
	if (b->owner == BACKGROUND_ANOTHER)
		return fail_set(f, FAIL_POLICY, STOP_IT,
				"claude's background service (process %d) works for a session of "
				"%s, and starts all agents",
				(int)b->pid, b->name);
	if (b->owner == BACKGROUND_UNKNOWN)
		return fail_set(f, FAIL_POLICY, STOP_IT,
				"claude's background service (process %d) belongs to a session "
				"without this key, and starts all agents",
				(int)b->pid);
	return 0;
}

void background_print(const struct background *b, bool scoped, bool wanted)
{
	if (b->owner == BACKGROUND_OUTSIDE && scoped)
		fprintf(stderr,
			"ccrun: note: claude's background service runs outside, with your own "
			"login; agents that you send there use that (claude daemon stop --any)\n");
	if (b->owner == BACKGROUND_ANOTHER || b->owner == BACKGROUND_UNKNOWN)
		fprintf(stderr,
			"ccrun: note: claude's background service works for a session of %s; "
			"agents that you send there use that (claude daemon stop --any)\n",
			b->name[0] ? b->name : "another kind");
	if (wanted && b->session[0])
		fprintf(stderr,
			"ccrun: note: agents end with session %.8s, whose background service "
			"claude has (ccctl sessions)\n",
			b->session);
}
