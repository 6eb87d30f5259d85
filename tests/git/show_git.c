/*
 * tests/git/show_git.c - prints what the reader of .git says of a directory.
 *
 *   show_git DIR [BUDGET_MS]      with a budget: is it dirty, too
 *   show_git -n TIMES DIR [BUDGET_MS]     so often, and the mean time in nanoseconds
 *
 * KEY=VALUE, each ended by NUL: names may hold anything else.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "git/git_status.h"

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	static const char *const dirty[] = { "clean", "dirty", "unknown" };
	struct git_query look = { 0 };
	struct git_status g;
	long times = 1, i;
	int64_t start;

	if (argc > 2 && strcmp(argv[1], "-n") == 0) {
		times = atol(argv[2]);
		argv += 2;
		argc -= 2;
	}
	if (argc < 2 || times < 1) {
		fputs("usage: show_git [-n TIMES] DIR [BUDGET_MS]\n", stderr);
		return 2;
	}
	look.dir = argv[1];
	look.want_dirty = argc > 2;
	look.budget_ms = argc > 2 ? atoi(argv[2]) : 0;
	start = now_ns();
	for (i = 0; i < times; i++)
		git_status_read(&look, &g);
	start = now_ns() - start;
	printf("found=%d%cdetached=%d%cworktree=%d%csubmodule=%d%c", g.found, 0, g.detached, 0,
	       g.worktree, 0, g.submodule, 0);
	printf("branch=%s%crepo=%s%curl=%s%cdirty=%s%c", g.branch, 0, g.repo, 0, g.url, 0,
	       dirty[g.dirty], 0);
	if (times > 1)
		printf("ns=%lld%c", (long long)(start / times), 0);
	return 0;
}
