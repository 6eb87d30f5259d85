/*
 * statusline/client_input.h - the JSON object that Claude Code writes to the status
 * line command's standard input, as far as the line uses it.
 */
#ifndef STATUSLINE_CLIENT_INPUT_H
#define STATUSLINE_CLIENT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Real input is about 2 KiB.  jansson needs less than 3 MiB for the worst of this size. */
#define INPUT_MAX ((size_t)28 * 1024)
#define INPUT_NAME 256
#define INPUT_PATH 4096

/* The usage of one rate limit. */
struct input_window {
	bool present;
	double percent; /* used, 0 or more */
	int64_t reset;	/* seconds since the epoch, or 0: not told */
};

/* Texts are as they came: may be hostile, "" when absent, cut to their size. */
struct client_input {
	bool parsed;		  /* it was a JSON object; else all the rest is absent */
	char dir[INPUT_PATH];	  /* the session's working directory */
	char project[INPUT_PATH]; /* the directory with .claude/settings.json */
	char repo_host[INPUT_NAME], repo_owner[INPUT_NAME], repo_name[INPUT_NAME];
	char worktree_branch[INPUT_NAME];
	char model[INPUT_NAME], session[INPUT_NAME], effort[INPUT_NAME];
	bool has_context;
	double context; /* percent, 0 or more; 0 before the first message */
	bool has_limits;
	struct input_window five_hour, seven_day;
	bool has_cost, has_duration, has_lines;
	double cost;	 /* US dollars */
	double duration; /* milliseconds */
	double added, removed;
};

/*
 * Read fd to its end, at most INPUT_MAX bytes of it into buf (INPUT_MAX bytes).
 * What is over is read and dropped, so that the client's write does not fail.
 * Ends at the deadline (clock_now_ms) in any case.  Returns the bytes in buf.
 */
size_t client_input_read(int fd, char *buf, int64_t deadline);

/* Parse n bytes, which are changed.  Never fails: see parsed. */
void client_input_parse(char *buf, size_t n, struct client_input *in);

#endif
