/*
 * base/file_lock.c - locks on files, and who holds one.
 */
#include "base/file_lock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/proc.h"

#define ROUND_MS 20

pid_t file_lock_holder(int fd)
{
	FILE *locks = fopen("/proc/locks", "re");
	unsigned long long inode;
	unsigned major_no, minor_no;
	char line[160], kind[16];
	pid_t found = 0;
	struct stat st;
	int pid;

	/* "3: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF"; one that waits has "->" in front. */
	while (locks && !found && fstat(fd, &st) == 0 && fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*d: %15s %*s %*s %d %x:%x:%llu", kind, &pid, &major_no,
			   &minor_no, &inode) == 5 &&
		    strcmp(kind, "FLOCK") == 0 && pid > 0 && inode == st.st_ino &&
		    makedev(major_no, minor_no) == st.st_dev)
			found = pid;
	if (locks)
		fclose(locks);
	return found;
}

static int fail_held(int fd, const char *path, struct failure *f)
{
	pid_t pid = file_lock_holder(fd);
	struct proc_stat st;

	if (!pid || proc_stat(pid, &st) != 0) {
		fail_set(f, FAIL_BUSY, NULL, "another program holds a lock on %s", path);
		fail_hint(f, "fuser -v %s tells which", path);
		return -1;
	}
	fail_set(f, FAIL_BUSY, NULL, "another program, %s (process %d), holds a lock on %s",
		 st.comm, (int)pid, path);
	if (st.state == 'T')
		fail_hint(f, "it is stopped: kill -CONT %d, or end it: kill -9 %d", (int)pid,
			  (int)pid);
	else
		fail_hint(f, "wait for its end, or end it: kill %d", (int)pid);
	return -1;
}

int file_lock(int fd, int patience_ms, const char *path, struct failure *f)
{
	int64_t deadline = clock_now_ms() + patience_ms;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return fail_errno(f, NULL, "lock %s", path);
		if (clock_now_ms() >= deadline)
			return fail_held(fd, path, f);
		poll(NULL, 0, ROUND_MS);
	}
	return 0;
}
