/*
 * client/import.c - ccctl import: run ccrun-import, a program of its own.
 *
 * ccrun-import parses shell files, scripts and JSON that other programs wrote.
 * It must not be the process that reads passphrases.
 */
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "client/verbs.h"

int verb_import(struct client *c, int argc, char **argv, struct failure *f)
{
	static char name[] = "ccrun-import";
	char path[PATH_SIZE];

	(void)c;
	(void)argc;
	if (path_installed("libexec/ccrun/ccrun-import", path, f) != 0)
		return -1;
	/* It checks its options and hardens itself; its messages begin with "ccctl:". */
	argv[0] = name;
	execv(path, argv);
	return fail_errno(f, "is the installation whole? make install", "run %s", path);
}
