/*
 * start/broker.c - starting a broker, detached, and hearing how that went.
 *
 * The broker reports on a pipe: "ready", "busy" (another one holds the vault:
 * fine), or a failure as two lines, then closes it.
 */
#include "start/broker.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "start/detached.h"
#include "start/watcher.h"

#define START_DEADLINE_MS 15000

/* The first line is what failed, the second the hint. */
static int reported(char *text, struct failure *f)
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

int start_broker(struct failure *f)
{
	char *argv[] = { (char *)(uintptr_t)"ccbroker", (char *)(uintptr_t)"--report-fd",
			 (char *)(uintptr_t)"3", NULL };
	char path[PATH_SIZE], text[1024];
	int fds[2], r;
	ssize_t n;

	if (path_sibling("libexec/ccrun/ccbroker", path, f) != 0)
		return -1;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return fail_errno(f, NULL, "pipe");
	if (fds[1] < 3) {
		/* Out of the way of the standard streams, which are replaced. */
		n = fcntl(fds[1], F_DUPFD_CLOEXEC, 3);
		close(fds[1]);
		fds[1] = (int)n;
	}
	r = apart_start(path, argv, NULL, fds[1]);
	if (r != 0)
		fail_errno(f, NULL, "cannot start the broker");
	close(fds[1]);
	n = r == 0 ? io_read_all(fds[0], text, sizeof(text) - 1, io_now_ms() + START_DEADLINE_MS) : 0;
	close(fds[0]);
	if (r != 0)
		return -1;
	if (n < 0)
		return fail_errno(f, NULL, "waiting for the broker to start");
	text[n] = '\0';
	if (reported(text, f) != 0)
		return -1;
	/* Now, not when a person opens the vault: a broker may do that by itself. */
	if (strncmp(text, "ready", 5) == 0)
		watch_start();
	return 0;
}
