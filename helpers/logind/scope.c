/*
 * helpers/logind/scope.c - out of the log-in session that this program was started in.
 */
#include "helpers/logind/scope.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-login.h>

#include "base/fail.h"
#include "base/number.h"
#include "base/proc.h"
#include "helpers/logind/program.h"

#define SYSTEMD1 "org.freedesktop.systemd1"
#define CALL_TIMEOUT_US 2000000 /* logind's signals wait meanwhile */

/* Processes to be moved. */
struct scope_pids {
	uint32_t *pid;
	size_t n;
};

/* Not a session's: a service, a container, or a scope that it was moved to before. */
static bool is_in_session(pid_t pid)
{
	char *session = NULL;
	int r = sd_pid_get_session(pid, &session);

	free(session);
	return r >= 0;
}

/* Is it this process, the broker, or one that the broker started? */
static bool belongs_to_ccrun(pid_t pid, pid_t broker)
{
	struct proc_stat st;

	if (pid == getpid())
		return true;
	for (; broker && pid > 1; pid = st.ppid)
		if (pid == broker || proc_stat(pid, &st) != 0)
			return pid == broker;
	return false;
}

static int add_pid(struct scope_pids *p, unsigned long pid)
{
	uint32_t *more = reallocarray(p->pid, p->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	p->pid = more;
	p->pid[p->n++] = (uint32_t)pid;
	return 0;
}

/* Those of ccrun's that are in a session.  0, or a negative errno. */
static int find_pids(pid_t broker, struct scope_pids *p)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	unsigned long pid;
	int r = 0;

	if (!d)
		return -errno;
	while (r == 0 && (e = readdir(d)))
		if (number_parse(e->d_name, 2, INT_MAX, &pid) &&
		    belongs_to_ccrun((pid_t)pid, broker) && is_in_session((pid_t)pid))
			r = add_pid(p, pid);
	closedir(d);
	return r;
}

/* The properties of the scope: [Description, PIDs].  What sd-bus returns. */
static int append_properties(sd_bus_message *m, const struct scope_pids *p)
{
	int r;

	if ((r = sd_bus_message_open_container(m, 'a', "(sv)")) < 0 ||
	    (r = sd_bus_message_append(m, "(sv)", "Description", "s", "ccrun broker and watcher")) <
		    0 ||
	    (r = sd_bus_message_open_container(m, 'r', "sv")) < 0 ||
	    (r = sd_bus_message_append(m, "s", "PIDs")) < 0 ||
	    (r = sd_bus_message_open_container(m, 'v', "au")) < 0 ||
	    (r = sd_bus_message_append_array(m, 'u', p->pid, p->n * sizeof(*p->pid))) < 0 ||
	    (r = sd_bus_message_close_container(m)) < 0 ||
	    (r = sd_bus_message_close_container(m)) < 0)
		return r;
	return sd_bus_message_close_container(m);
}

/* What sd-bus returns. */
static int start_scope(sd_bus *bus, sd_bus_error *e, const struct scope_pids *p)
{
	sd_bus_message *m = NULL;
	char name[64];
	int r;

	snprintf(name, sizeof(name), "ccrun-%d.scope", (int)getpid());
	r = sd_bus_message_new_method_call(bus, &m, SYSTEMD1, "/org/freedesktop/systemd1",
					   SYSTEMD1 ".Manager", "StartTransientUnit");
	if (r >= 0)
		r = sd_bus_message_append(m, "ss", name, "fail");
	if (r >= 0)
		r = append_properties(m, p);
	if (r >= 0)
		r = sd_bus_message_append(m, "a(sa(sv))", 0);
	if (r >= 0)
		r = sd_bus_call(bus, m, CALL_TIMEOUT_US, e, NULL);
	sd_bus_message_unref(m);
	return r;
}

void scope_leave_session(pid_t broker)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	struct scope_pids p = { 0 };
	struct failure f;
	sd_bus *bus = NULL;
	int r = find_pids(broker, &p);

	/* No user's bus is no failure: there is no manager then, nor anything that it keeps. */
	if (r == 0 && (p.n == 0 || sd_bus_open_user(&bus) < 0))
		goto out;
	if (r == 0)
		r = start_scope(bus, &e, &p);
	if (r < 0) {
		fail_set(&f, FAIL_SYSTEM, "ccctl login enable has systemd start both",
			 "broker and watcher keep your log-in session after the log-out: %s",
			 e.message ? e.message : strerror(-r));
		fail_print(PROGRAM, &f);
	}
out:
	sd_bus_error_free(&e);
	sd_bus_flush_close_unref(bus);
	free(p.pid);
}
