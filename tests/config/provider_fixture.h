/*
 * tests/config/provider_fixture.h - a private configuration directory, and
 * loading providers from it, for the tests of config/.
 */
#ifndef TESTS_PROVIDER_FIXTURE_H
#define TESTS_PROVIDER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fail.h"
#include "base/paths.h"
#include "config/provider/provider.h"

static char home[] = "/tmp/ccrun-provider-XXXXXX";

static inline void write_file(const char *path, const void *text, size_t n, mode_t mode)
{
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static inline const char *overlay(const char *name)
{
	static char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/ccrun/providers/%s.conf", home, name);
	return path;
}

static inline void put(const char *name, const char *text)
{
	write_file(overlay(name), text, strlen(text), 0600);
}

static inline struct provider *load(const char *name, const char *mode)
{
	struct failure f = { 0 };
	struct provider *p = NULL;

	if (provider_load(name, mode, &p, &f) != 0)
		fail_msg("%s: %s", name, f.what);
	return p;
}

static inline struct failure refused(const char *name, const char *mode)
{
	struct failure f = { 0 };
	struct provider *p = (void *)1;

	assert_int_equal(provider_load(name, mode, &p, &f), -1);
	assert_null(p);
	return f;
}

/* The text as x.conf is refused; what has "x.conf" + at, then why. */
static inline void refuse(const char *text, const char *mode, const char *at, const char *why)
{
	char place[64];
	struct failure f;

	put("x", text);
	f = refused("x", mode);
	snprintf(place, sizeof(place), "x.conf%s", at);
	if (f.code != FAIL_CONFIG || !strstr(f.what, place) || !strstr(f.what, why))
		fail_msg("expected '%s' and '%s', got %s: %s", place, why, fail_name(f.code),
			 f.what);
}

#define BEARER "[provider]\nauth = bearer\n"

static inline int setup(void **state)
{
	char share[PATH_SIZE], dir[PATH_SIZE];
	struct failure f;
	char *here;

	(void)state;
	if (!mkdtemp(home) || setenv("XDG_CONFIG_HOME", home, 1) != 0 ||
	    setenv("HOME", home, 1) != 0)
		return -1;
	snprintf(dir, sizeof(dir), "%s/ccrun", home);
	mkdir(dir, 0700);
	snprintf(dir, sizeof(dir), "%s/ccrun/providers", home);
	mkdir(dir, 0700);
	if (path_installed("share", dir, &f) != 0 || path_installed("share/ccrun", share, &f) != 0)
		return -1;
	/* the build tree points to the source's files */
	mkdir(dir, 0755);
	here = realpath("share", NULL);
	if (access(share, F_OK) != 0 && (!here || symlink(here, share) != 0))
		return -1;
	free(here);
	return 0;
}

static inline int empty(void **state)
{
	static const char *const used[] = { "x",      "y",	    "z",       "zai",
					    "ollama", "openrouter", "bedrock", "azure",
					    "work",   "claude",	    "q" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		unlink(overlay(used[i]));
	return 0;
}

static inline int teardown(void **state)
{
	char dir[PATH_SIZE];

	empty(state);
	snprintf(dir, sizeof(dir), "%s/ccrun/providers", home);
	rmdir(dir);
	snprintf(dir, sizeof(dir), "%s/ccrun", home);
	rmdir(dir);
	return rmdir(home);
}

#endif
