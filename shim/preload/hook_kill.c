/*
 * hook_kill.c - the hook on kill.
 *
 * Signal 0 asks whether a process is there.  In a session that signals nothing outside
 * (Landlock) the kernel says EPERM for all that are, and the client takes that for a no:
 * it would delete the files by which editors and other sessions of the user are found.
 * Of the user's own processes the answer is what it is without: there.
 */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/preload/hook.h"

/* "/proc/PID" of a positive number; a signal handler may call kill, so nothing of stdio. */
static void path_put(char out[32], pid_t pid)
{
	static const char start[] = "/proc/";
	char digits[16];
	size_t n = 0, at = sizeof(start) - 1;

	for (size_t i = 0; i < at; i++)
		out[i] = start[i];
	do
		digits[n++] = (char)('0' + pid % 10);
	while ((pid /= 10) != 0);
	while (n > 0)
		out[at++] = digits[--n];
	out[at] = '\0';
}

HOOK int kill(pid_t pid, int sig)
{
	int error = errno;
	struct stat st;
	char path[32];

	if (syscall(SYS_kill, pid, sig) == 0)
		return 0;
	if (sig != 0 || pid <= 0 || errno != EPERM)
		return -1;
	path_put(path, pid);
	if (stat(path, &st) == 0 && st.st_uid == geteuid()) {
		errno = error;
		return 0;
	}
	errno = EPERM;
	return -1;
}
