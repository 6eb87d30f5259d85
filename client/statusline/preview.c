/*
 * client/statusline/preview.c - ccctl statusline preview: run ccrun-statusline on what
 * Claude Code would write to it here, in this environment.
 */
#include "client/statusline/preview.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/spawn.h"
#include "client/statusline/command.h"

#define PATIENCE_MS 10000 /* the client gives up on one earlier */
#define OUTPUT_MAX (64 * 1024)
#define LABEL 18 /* columns before a line */

/* ---- samples ---- */

/* Does a claude started here use a subscription?  Only then does it report rate limits. */
static bool preview_is_subscription(void)
{
	const char *provider = getenv("CCRUN_PROVIDER");

	return provider ? strcmp(provider, "claude") == 0
			: !getenv("ANTHROPIC_BASE_URL") && !getenv("ANTHROPIC_API_KEY");
}

static json_t *preview_limits(void)
{
	json_int_t now = (json_int_t)time(NULL);

	return json_pack("{s:{s:f, s:I}, s:{s:f, s:I}}", "five_hour", "used_percentage", 23.5,
			 "resets_at", now + 2 * 3600, "seven_day", "used_percentage", 8.0,
			 "resets_at", now + 4 * 86400);
}

/* What Claude Code writes to a status line: at its start, or after an answer. */
static char *preview_sample(bool start)
{
	char cwd[PATH_SIZE];
	json_t *o, *dir;
	char *text = NULL;

	if (!getcwd(cwd, sizeof(cwd)))
		strcpy(cwd, "/");
	dir = json_string(cwd);
	if (!dir)
		dir = json_string("/");
	o = json_pack(
		"{s:s, s:O, s:{s:s, s:s}, s:{s:O, s:O, s:[]}, s:s, s:{s:f, s:i, s:i, s:i, s:i}}",
		"session_id", "00000000-0000-4000-8000-000000000000", "cwd", dir, "model", "id",
		"claude-opus-5-5", "display_name", "Opus 5.5", "workspace", "current_dir", dir,
		"project_dir", dir, "added_dirs", "version", "2.1.330", "cost", "total_cost_usd",
		start ? 0.0 : 0.42, "total_duration_ms", start ? 582 : 754000,
		"total_api_duration_ms", start ? 0 : 61000, "total_lines_added", start ? 0 : 156,
		"total_lines_removed", start ? 0 : 23);
	if (o && start)
		json_object_set_new(o, "context_window",
				    json_pack("{s:i, s:n, s:n}", "context_window_size", 200000,
					      "current_usage", "used_percentage"));
	else if (o)
		json_object_set_new(o, "context_window",
				    json_pack("{s:i, s:{s:i, s:i, s:i, s:i}, s:i, s:i}",
					      "context_window_size", 200000, "current_usage",
					      "input_tokens", 8000, "output_tokens", 1200,
					      "cache_creation_input_tokens", 4000,
					      "cache_read_input_tokens", 12000, "used_percentage",
					      12, "remaining_percentage", 88));
	if (o && !start && preview_is_subscription())
		json_object_set_new(o, "rate_limits", preview_limits());
	if (o)
		text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(dir);
	json_decref(o);
	return text;
}

/* ---- running the program ---- */

/* in: its standard input (closed).  The output in out, NUL-terminated.  0 or -1. */
static int preview_run(const char *program, int in, char *out, struct failure *f)
{
	static const int defaults[] = { SIGPIPE, 0 };
	const char *argv[] = { program, NULL };
	struct spawn s = { .path = program, .argv = argv, .fds = 2, .defaults = defaults };
	int ends[2], status = -1;
	ssize_t n = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		fail_errno(f, NULL, "pipe");
		close(in);
		return -1;
	}
	s.fd[0] = (struct spawn_fd){ STDIN_FILENO, in };
	s.fd[1] = (struct spawn_fd){ STDOUT_FILENO, ends[1] };
	pid = spawn_start(&s);
	close(in);
	close(ends[1]);
	if (pid > 0)
		n = io_read_all(ends[0], out, OUTPUT_MAX - 1, clock_now_ms() + PATIENCE_MS);
	if (n < 0) {
		fail_errno(f, NULL, "run %s", program);
		kill(pid, SIGKILL);
	}
	close(ends[0]);
	if (pid > 0)
		spawn_wait(pid, &status);
	if (n < 0)
		return -1;
	out[n] = '\0';
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fail_set(f, FAIL_PROGRAM, "is the installation whole? make install",
				"%s failed", program);
	return 0;
}

/* A pipe that holds the text (samples are far smaller than a pipe); its read end, or -1. */
static int preview_pipe_with(const char *text, struct failure *f)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail_errno(f, NULL, "pipe");
	if (io_write_all(ends[1], text, strlen(text), clock_now_ms() + 1000) != 0) {
		fail_errno(f, NULL, "pipe");
		close(ends[0]);
		ends[0] = -1;
	}
	close(ends[1]);
	return ends[0];
}

static void preview_put_labelled(const char *label, const char *out)
{
	const char *nl;

	do {
		nl = strchr(out, '\n');
		printf("%-*s%.*s\n", LABEL, label, (int)(nl ? nl - out : (long)strlen(out)), out);
		label = "";
		out = nl ? nl + 1 : "";
	} while (*out);
}

static int preview_one(const char *program, const char *label, bool start, char *out,
		       struct failure *f)
{
	char *text = preview_sample(start);
	int in;

	if (!text)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	in = preview_pipe_with(text, f);
	free(text);
	if (in < 0 || preview_run(program, in, out, f) != 0)
		return -1;
	preview_put_labelled(label, out);
	return 0;
}

static int preview_file(const char *program, const char *path, char *out, struct failure *f)
{
	int in = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					: open(path, O_RDONLY | O_CLOEXEC);

	if (in < 0)
		return fail_errno(f, NULL, "%s", path);
	if (preview_run(program, in, out, f) != 0)
		return -1;
	fputs(out, stdout);
	return 0;
}

static int preview_samples(const char *program, char *out, struct failure *f)
{
	const char *no_colour = getenv("NO_COLOR");

	if (preview_one(program, "at the start", true, out, f) != 0 ||
	    preview_one(program, "after an answer", false, out, f) != 0)
		return -1;
	if (no_colour && no_colour[0])
		return 0;
	setenv("NO_COLOR", "1", 1);
	return preview_one(program, "without colours", false, out, f);
}

int statusline_preview(const struct preview *p, struct failure *f)
{
	char program[PATH_SIZE], *out;
	int r;

	if (command_program(program, f) != 0)
		return -1;
	if (p->columns)
		setenv("COLUMNS", p->columns, 1);
	out = malloc(OUTPUT_MAX);
	if (!out)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	r = p->input ? preview_file(program, p->input, out, f) : preview_samples(program, out, f);
	free(out);
	return r == 0 ? EXIT_DONE : -1;
}
