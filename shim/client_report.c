/*
 * shim/client_report.c - which claude would be started, and how a key could be used for it.
 */
#include "shim/client_report.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "shim/delivery.h"
#include "shim/probe.h"
#include "shim/probe.h"
#include "shim/program_search.h"
#include "shim/target.h"

#define OTHERS_MAX 8

void client_print_others(const struct target *t)
{
	char path[PATH_SIZE], next[PATH_SIZE];
	unsigned i;

	if (strcmp(t->image.name, "claude") != 0)
		return;
	memcpy(path, t->path, sizeof(path));
	for (i = 0; i < OTHERS_MAX && program_search_next("claude", path, next); i++) {
		fail_sanitize(next);
		printf("other %s\n", next);
		memcpy(path, next, sizeof(path));
	}
}

int client_report(const char *program, int *code, struct failure *f)
{
	static const char *const answers[] = { "unknown", "no", "yes" };
	char version[PROBE_VERSION];
	struct delivery_choice how;
	struct target t;
	int takes;

	if (target_find(&t, program ? program : "claude", code, f) != 0)
		return -1;
	takes = delivery_try_relay(&t, &how);
	printf("target %s\nfile %s\n", t.path, t.image.program.file);
	if (t.interpreter[0])
		printf("interpreter %s\n", t.image.interpreter.file);
	if (probe_version(&t, version))
		printf("version %s\n", version);
	client_print_others(&t);
	printf("relay %s %s\n", answers[takes + 1], how.why);
	if (how.child[0])
		printf("child %s\n", how.child);
	printf("preload %s%s%s\n", t.preloadable ? "yes" : "no", t.why_not[0] ? " " : "",
	       t.why_not);
	return io_flush(stdout) == 0 ? 0 : fail_errno(f, NULL, "standard output");
}
