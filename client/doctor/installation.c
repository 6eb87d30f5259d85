/*
 * client/doctor/installation.c - checks: is the installation whole, whose is it, and is it the
 * one that is started?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/roots.h"
#include "client/common/program.h"
#include "client/doctor/checks.h"
#include "client/doctor/own_group.h"

#define OURS_MS 10000 /* for a program of ours that only answers */

static const struct {
	const char *path;
	bool needed; /* by every launch */
} parts[] = {
	{ "bin/ccrun", true },
	{ "bin/ccctl", true },
	{ "libexec/ccrun/ccbroker", true },
	{ "lib/ccrun/libccrun.so", true },
	{ "libexec/ccrun/ccrun-relay", true },
	{ "libexec/ccrun/inside/claude", true },
	{ "share/ccrun/providers", true },
	{ "libexec/ccrun/ccrun-import", false },
	{ "libexec/ccrun/ccrun-source", false },
	{ "libexec/ccrun/ccrun-usage", false },
	{ "libexec/ccrun/ccrun-ask", false },
	{ "libexec/ccrun/ccrun-logind", false },
	{ "libexec/ccrun/ccrun-keyring", false },
	{ "libexec/ccrun/ccrun-tpm2", false },
	{ "bin/ccrun-statusline", false },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

void check_install(struct checkup *d)
{
	struct failure f = { 0 }, roots = { 0 };
	gid_t group = own_group();
	char path[PATH_SIZE];
	unsigned i;

	for (i = 0; i < PARTS; i++) {
		if (path_installed(parts[i].path, path, NULL) != 0 || access(path, F_OK) != 0)
			continue;
		if (path_check_own_or_roots(path, group, &f) != 0) {
			found_broken(d, f.hint[0] ? f.hint : "sudo make install, or the package",
				     "who can write there gets your keys: %s", f.what);
			return;
		}
		if (!roots.code)
			path_check_roots(path, &roots);
	}
	path_installed("", path, NULL);
	if (roots.code)
		found_advice(d, "sudo make install, or the package",
			     "not root's alone: a session, which runs as you, could replace the "
			     "programs (%s)",
			     roots.what);
	else
		found_ok(d, "root alone can change %s", path);
}

/* Is ccrun of the version that this ccctl is of? */
static void programs_compare(struct checkup *d)
{
	const char *const argv[] = { "ccrun", "--version", NULL };
	struct program p = { .argv = argv, .most = 256, .patience_ms = OURS_MS };
	struct program_said said = { 0 };
	char path[PATH_SIZE];
	struct failure f = { 0 };

	if (path_installed("bin/ccrun", path, &f) != 0)
		return;
	p.path = path;
	if (program_run(&p, &said, &f) != 0)
		found_failure(d, CHECK_BROKEN, &f, "make install");
	else if (strcmp(said.out, "ccrun " CCRUN_VERSION "\n") != 0)
		found_broken(d, "install all of one version", "%s is another version than ccctl",
			     path);
	program_said_free(&said);
}

/* The parts that are missing, or cannot be executed, of those that are needed or not. */
static void parts_missing(bool needed, char *out, size_t size)
{
	char path[PATH_SIZE];
	unsigned i;
	size_t n;

	out[0] = '\0';
	for (i = 0; i < PARTS; i++) {
		if (parts[i].needed != needed ||
		    (path_installed(parts[i].path, path, NULL) == 0 &&
		     access(path, strncmp(parts[i].path, "lib/", 4) ? X_OK : R_OK) == 0))
			continue;
		n = strlen(out);
		snprintf(out + n, size - n, "%s%s", n ? ", " : "", parts[i].path);
	}
}

void check_programs(struct checkup *d)
{
	static const char mend[] = "make install, or install the package anew";
	char missing[256];

	parts_missing(true, missing, sizeof(missing));
	if (missing[0])
		found_broken(d, mend, "nothing is launched without %s", missing);
	parts_missing(false, missing, sizeof(missing));
	if (missing[0])
		found_advice(d, mend, "missing, or not to be executed: %s", missing);
	if (!found_any(d))
		programs_compare(d);
	if (!found_any(d))
		found_ok(d, "all are there, of version " CCRUN_VERSION);
}

/* The first ccrun in PATH. */
static bool path_find_ccrun(char out[PATH_SIZE])
{
	const char *p = getenv("PATH"), *end;

	for (p = p ? p : ""; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, ':');
		if (*p == '/' &&
		    snprintf(out, PATH_SIZE, "%.*s/ccrun", (int)(end - p), p) < PATH_SIZE &&
		    access(out, X_OK) == 0)
			return true;
	}
	return false;
}

void check_path(struct checkup *d)
{
	char path[PATH_SIZE], ours[PATH_SIZE];
	struct stat theirs, st;

	if (path_installed("bin/ccrun", ours, NULL) != 0 || stat(ours, &st) != 0)
		return;
	if (!path_find_ccrun(path))
		found_advice(d, NULL, "no ccrun is in your PATH");
	else if (stat(path, &theirs) == 0 && theirs.st_ino == st.st_ino &&
		 theirs.st_dev == st.st_dev)
		found_ok(d, "ccrun is %s", path);
	else
		found_advice(d, NULL,
			     "ccrun in your PATH is %s, of another installation than this "
			     "ccctl",
			     path);
	if (d->finding[d->n - 1].state != CHECK_OK) {
		*strrchr(ours, '/') = '\0';
		found_hint(d, "put %s first in PATH, or remove the other", ours);
	}
}
