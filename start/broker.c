/*
 * start/broker.c - starting a broker, detached, and reading its report.
 *
 * The broker reports on a pipe: "ready", "busy" (another one holds the vault:
 * fine), or a failure as two lines, then closes it.
 */
#include "start/broker.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/spawn.h"
#include "start/detached.h"
#include "start/watcher.h"

#define START_DEADLINE_MS 15000

/* The first line is what failed, the second the hint. */
static int report_parse(char *text, struct failure *f)
{
	char *hint;

	if (strncmp(text, "ready", 5) == 0 || strncmp(text, "busy", 4) == 0)
		return 0;
	hint = strchr(text, '\n');
	if (hint)
		*hint++ = '\0';
	if (hint)
		hint[strcspn(hint, "\n")] = '\0';
	if (!text[0])
		return fail_set(f, FAIL_NO_BROKER, "run ccbroker by hand to see why",
				"the broker ended before it served");
	return fail_set(f, FAIL_NO_BROKER, hint, "%s", text);
}

int broker_start(struct failure *f)
{
	static const char *const argv[] = { "ccbroker", "--report-fd", "3", NULL };
	int64_t deadline = clock_now_ms() + START_DEADLINE_MS;
	char path[PATH_SIZE], text[1024];
	int fds[2];
	ssize_t n;

	if (path_installed("libexec/ccrun/ccbroker", path, f) != 0)
		return -1;
	if (spawn_pipe(fds) != 0)
		return fail_errno(f, NULL, "pipe");
	if (detached_start(path, argv, NULL, fds[1], deadline) != 0) {
		fail_errno(f, "is the installation whole? make install", "cannot run %s", path);
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	close(fds[1]);
	n = io_read_all(fds[0], text, sizeof(text) - 1, deadline);
	close(fds[0]);
	if (n < 0)
		return fail_errno(f, NULL, "waiting for the broker to start");
	text[n] = '\0';
	if (report_parse(text, f) != 0)
		return -1;
	/* Now, not at the next unlock: the broker may unlock the vault by itself. */
	if (strncmp(text, "ready", 5) == 0)
		watcher_start();
	return 0;
}
