/*
 * helpers/logind/inhibitor.c - the delay inhibitor.
 */
#include "helpers/logind/inhibitor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "helpers/logind/lock_client.h"
#include "helpers/logind/login1.h"
#include "helpers/logind/login1_bus.h"
#include "helpers/logind/program.h"

/* At boot logind refuses an inhibitor until polkit is there; and polkit may be installed,
 * or be restarted, while we run.  No signal says that it would be granted now. */
#define INHIBITOR_RETRY_MS 10000

void inhibitor_release(struct login1 *l)
{
	if (l->inhibitor >= 0)
		close(l->inhibitor);
	l->inhibitor = -1;
}

void inhibitor_take(struct login1 *l)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	struct failure f;
	int r, fd = -1;

	inhibitor_release(l);
	l->released = false;
	l->asked = clock_now_ms();
	r = sd_bus_call_method(l->bus, LOGIN1, MANAGER_PATH, MANAGER, "Inhibit", &e, &reply, "ssss",
			       "sleep", "ccrun", "the vault is locked before sleep", "delay");
	if (r >= 0)
		r = sd_bus_message_read(reply, "h", &fd);
	/* The descriptor belongs to the message: duplicate it. */
	if (r >= 0 && (l->inhibitor = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)
		r = -errno;
	sd_bus_message_unref(reply);
	lock_client_tell_delays(l->broker, r >= 0);
	if (r < 0) {
		login1_bus_failure(&f, r, &e, "sleep will not wait until the vault is locked");
		fail_hint(&f, "may you take a delay inhibitor? systemd-inhibit --mode=delay true");
		if (!l->refused)
			fail_print(PROGRAM, &f);
	}
	l->refused = r < 0;
}

int64_t inhibitor_next_try(const struct login1 *l)
{
	return l->refused && !l->released && l->owner[0] ? l->asked + INHIBITOR_RETRY_MS
							 : INT64_MAX;
}
