/*
 * tests/fuzz/fuzz_directory.h - a directory for a driver whose reader opens files: in memory,
 * where there is such a file system, since a disk's would cost more than what is tried.
 */
#ifndef CCRUN_TESTS_FUZZ_DIRECTORY_H
#define CCRUN_TESTS_FUZZ_DIRECTORY_H

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static char fuzz_directory[72];

static int fuzz_directory_remove_one(const char *path, const struct stat *st, int type,
				     struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void fuzz_directory_remove(void)
{
	nftw(fuzz_directory, fuzz_directory_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* In $TMPDIR, where tools/fuzz says that.  It goes at the exit, and stays where an input aborts. */
static void fuzz_directory_make(void)
{
	const char *const places[] = { getenv("TMPDIR"), "/dev/shm", "/tmp" };
	unsigned i;

	for (i = 0; i < 3; i++) {
		snprintf(fuzz_directory, sizeof(fuzz_directory), "%.40s/ccrun-fuzz.XXXXXX",
			 places[i] ? places[i] : "");
		if (places[i] && mkdtemp(fuzz_directory))
			break;
	}
	MUST(i < 3 && atexit(fuzz_directory_remove) == 0);
}

#endif
