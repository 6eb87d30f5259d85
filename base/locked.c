/*
 * base/locked.c - locked pages for secrets, verified in /proc/self/smaps.
 */
#include "base/locked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"

#define LINE_SIZE 512 /* of smaps; only a line with the name of a mapped file is longer */

/* What smaps says of the mappings within our region. */
struct smaps_seen {
	uintptr_t from, to; /* our region */
	bool inside;	    /* the lines being read describe a mapping within it */
	bool bad;	    /* a mapping that reaches out of it, or lacks a flag */
	size_t covered;	    /* bytes of it that mappings cover */
	size_t locked;	    /* bytes of it that are locked */
	size_t flagged;	    /* mappings with a VmFlags line */
};

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t round_up_to_pages(size_t n)
{
	size_t page = page_size();

	return (n + page - 1) / page * page;
}

/* ---- /proc/self/smaps ---- */

/* Is `flag` one of the words of a VmFlags line? */
static bool smaps_has_flag(const char *line, const char flag[2])
{
	const char *p;

	for (p = strchr(line, ' '); p; p = strchr(p + 1, ' '))
		if (p[1] == flag[0] && p[2] == flag[1] && (p[3] == ' ' || p[3] == '\0'))
			return true;
	return false;
}

/* False: the line is of a mapping above the pages, and so is all that follows. */
static bool smaps_read_line(struct smaps_seen *s, const char *line)
{
	uintptr_t from, to;
	char *end;

	from = (uintptr_t)strtoull(line, &end, 16);
	if (end != line && *end == '-') {
		to = (uintptr_t)strtoull(end + 1, NULL, 16);
		if (from >= s->to)
			return false;
		s->inside = to > s->from;
		if (s->inside) {
			if (from < s->from || to > s->to)
				s->bad = true;
			s->covered += to - from;
		}
		return true;
	}
	if (!s->inside)
		return true;
	if (strncmp(line, "Locked:", 7) == 0)
		s->locked += (size_t)strtoull(line + 7, NULL, 10) * 1024;
	if (strncmp(line, "VmFlags:", 8) == 0) {
		s->flagged++;
		if (!smaps_has_flag(line, "lo") || !smaps_has_flag(line, "dd"))
			s->bad = true;
	}
	return true;
}

bool locked_verify(const void *p, size_t n, int smaps)
{
	struct smaps_seen s = { .from = (uintptr_t)p };
	char line[LINE_SIZE], chunk[4096];
	bool more = true;
	size_t used = 0;
	off_t at = 0;
	ssize_t got, i;

	n = round_up_to_pages(n);
	s.to = s.from + n;
	/* The kernel maps from the top down, so a new mapping is near the beginning. */
	while (more && (got = pread(smaps, chunk, sizeof(chunk), at)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		at += got;
		for (i = 0; more && i < got; i++) {
			if (chunk[i] != '\n') {
				if (used < sizeof(line) - 1)
					line[used++] = chunk[i];
				continue;
			}
			line[used] = '\0';
			used = 0;
			more = smaps_read_line(&s, line);
		}
	}
	return !s.bad && s.flagged > 0 && s.covered == n && s.locked == n;
}

/* ---- the pages ---- */

/*
 * mlock as a system call: the runtime of the sanitizers replaces the function by
 * one that returns success and does nothing.
 */
static bool pages_lock(void *p, size_t size, int smaps)
{
	return madvise(p, size, MADV_DONTDUMP) == 0 && syscall(SYS_mlock, p, size) == 0 &&
	       locked_verify(p, size, smaps);
}

void *locked_map_verified(size_t n, int smaps)
{
	size_t page = page_size(), size;
	uint8_t *map;

	if (n == 0 || n > SIZE_MAX / 4)
		return NULL;
	size = round_up_to_pages(n);
	map = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map + page, size, PROT_READ | PROT_WRITE) == 0 &&
	    pages_lock(map + page, size, smaps))
		return map + page;
	(void)munmap(map, size + 2 * page);
	return NULL;
}

static int smaps_open(struct failure *f)
{
	int fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail_set(f, FAIL_NOT_LOCKED_MEM, "mount /proc",
			 "cannot verify locked memory: /proc/self/smaps: %s", strerror(errno));
	return fd;
}

static int fail_not_locked(struct failure *f)
{
	return fail_set(f, FAIL_NOT_LOCKED_MEM, "raise RLIMIT_MEMLOCK (ulimit -l 8192)",
			"cannot keep a key in locked memory");
}

void *locked_map(size_t n, struct failure *f)
{
	int smaps = smaps_open(f);
	void *p;

	if (smaps < 0)
		return NULL;
	p = locked_map_verified(n, smaps);
	(void)close(smaps);
	if (!p)
		fail_not_locked(f);
	return p;
}

int locked_relock(void *p, size_t n, struct failure *f)
{
	int smaps = smaps_open(f);
	bool locked;

	if (smaps < 0)
		return -1;
	locked = pages_lock(p, round_up_to_pages(n), smaps);
	(void)close(smaps);
	return locked ? 0 : fail_not_locked(f);
}

void locked_unmap(void *p, size_t n)
{
	size_t page = page_size(), size = round_up_to_pages(n);

	if (!p)
		return;
	io_wipe(p, size);
	(void)munmap((uint8_t *)p - page, size + 2 * page);
}
