/*
 * base/file_lock.h - locks on files (flock(2)), and who holds one.
 *
 * Any program of the same user can hold such a lock for as long as it likes: what waits for one
 * waits for a time, and then says whom for.
 */
#ifndef BASE_FILE_LOCK_H
#define BASE_FILE_LOCK_H

#include <sys/types.h>

struct failure;

/*
 * Lock the file that fd is open on for this process alone, and wait up to patience_ms for it; path
 * is its name, for messages.  It is held until fd is closed.  0, or -1: FAIL_BUSY, which names the
 * holder where the kernel tells.
 */
int file_lock(int fd, int patience_ms, const char *path, struct failure *f);

/*
 * The process that took the lock on fd's file, by /proc/locks (proc_locks(5)); 0: none, or it
 * cannot be told (another PID namespace, a file system that numbers its files otherwise).  It may have
 * ended: descriptors that a child of its inherited keep the lock.
 */
pid_t file_lock_holder(int fd);

#endif
