/*
 * client/doctor/claude.c - checks: Claude Code's program.  ccrun --client says which one is
 * started and what was tried with it.
 */
#include <stdio.h>
#include <string.h>

#include "base/paths.h"
#include "base/roots.h"
#include "client/common/program.h"
#include "client/doctor/checks.h"
#include "client/doctor/own_group.h"

#define REPORT_MAX 65536
#define REPORT_MS 60000 /* it may run a client five times */

struct report {
	bool asked;
	struct failure why; /* code set: there is none that could be started */
	char text[REPORT_MAX];
};

static struct report report;

/* Once; the answer is kept. */
static const struct report *report_ask(void)
{
	const char *const argv[] = { "ccrun", "--client", NULL };
	struct program p = { .argv = argv, .most = REPORT_MAX - 1, .patience_ms = REPORT_MS };
	struct program_said said = { 0 };
	char path[PATH_SIZE];

	if (report.asked)
		return &report;
	report.asked = true;
	if (path_installed("bin/ccrun", path, &report.why) != 0)
		return &report;
	p.path = path;
	if (program_run(&p, &said, &report.why) == 0) {
		if (!program_ended(&said, 0))
			program_failure(&said, &report.why);
		memcpy(report.text, said.out, said.n + 1);
	}
	program_said_free(&said);
	return &report;
}

/* The value of the first line "NAME value" from *at on, in out; *at is then behind it.  False:
 * there is none. */
static bool report_next(const char **at, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);
	const char *line, *end;

	for (line = *at; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (strncmp(line, name, n) != 0 || line[n] != ' ')
			continue;
		snprintf(out, size, "%.*s", (int)(end - line - (ssize_t)n - 1), line + n + 1);
		*at = *end ? end + 1 : end;
		return true;
	}
	out[0] = '\0';
	return false;
}

static bool report_get(const struct report *r, const char *name, char *out, size_t size)
{
	const char *at = r->text;

	return report_next(&at, name, out, size);
}

void check_client(struct checkup *d)
{
	const struct report *r = report_ask();
	char path[PATH_SIZE], version[64], other[PATH_SIZE];
	const char *at = r->text;

	if (r->why.code) {
		found_failure(d, CHECK_BROKEN, &r->why,
			      "install Claude Code, and put it into PATH");
		return;
	}
	report_get(r, "target", path, sizeof(path));
	if (!report_get(r, "version", version, sizeof(version)))
		found_broken(d, "try it by itself: claude --version", "%s does not say its version",
			     path);
	else
		found_ok(d, "claude %s, %s", version, path);
	while (report_next(&at, "other", other, sizeof(other)))
		found_advice(d, "remove what is not used, or ccrun --exec PATH takes another",
			     "a further claude is in PATH: %s", other);
}

void check_target(struct checkup *d)
{
	static const char *const files[] = { "target", "file", "interpreter" };
	const struct report *r = report_ask();
	gid_t group = own_group();
	struct failure f = { 0 };
	char path[PATH_SIZE];
	unsigned i;

	if (r->why.code)
		return;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (report_get(r, files[i], path, sizeof(path)) && path[0] == '/' &&
		    path_check_own_or_roots(path, group, &f) != 0) {
			found_broken(d, f.hint[0] ? f.hint : "install Claude Code anew, as you",
				     "claude can be replaced by others: %s", f.what);
			return;
		}
	found_ok(d, "nobody else can change claude's program");
}

void check_delivery(struct checkup *d)
{
	const struct report *r = report_ask();
	char relay[512], preload[512], child[PATH_SIZE];
	const char *why;

	if (r->why.code)
		return;
	report_get(r, "relay", relay, sizeof(relay));
	report_get(r, "preload", preload, sizeof(preload));
	why = strchr(relay, ' ') ? strchr(relay, ' ') + 1 : "";
	if (report_get(r, "child", child, sizeof(child))) {
		found_broken(d, NULL,
			     "what is called claude runs claude as a child, which gets no "
			     "key: %s",
			     child);
		found_hint(d, "ccrun --exec %s, or exec in place of a call in the script", child);
	} else if (strncmp(relay, "yes", 3) == 0) {
		found_ok(d, "by relay: the key never is in claude (%s)%s%s", why,
			 preload[0] == 'n' ? "; not preloaded: " : "",
			 preload[0] == 'n' ? preload + 3 : "");
	} else if (preload[0] == 'y') {
		found_advice(d, "npm install -g @anthropic-ai/claude-code takes the newest",
			     "no relay, so the key gets into claude's memory, by preload: %s", why);
	} else {
		found_broken(d,
			     "use the glibc build of Claude Code (npm install -g "
			     "@anthropic-ai/claude-code)",
			     "the key cannot be kept from other processes: %s; %s", why,
			     preload[0] ? preload + 3 : "");
	}
}
