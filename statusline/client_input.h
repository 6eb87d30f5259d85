/*
 * statusline/client_input.h - what the client says on standard input, as far as
 * the line uses it.
 */
#ifndef STATUSLINE_CLIENT_INPUT_H
#define STATUSLINE_CLIENT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Real ones have 2 KiB; taken apart as JSON, the worst of this size take less than 3 MiB. */
#define INPUT_MAX ((size_t)28 * 1024)
#define INPUT_NAME 256
#define INPUT_PATH 4096

struct input_window {
	bool there;
	double percent; /* used, 0 or more */
	int64_t reset;  /* seconds of the epoch, or 0 */
};

/* Texts are as they came: hostile, "" when absent, cut to the room. */
struct input {
	bool parsed; /* it was a JSON object; else all the rest is absent */
	char dir[INPUT_PATH];	  /* where the session works */
	char project[INPUT_PATH]; /* where its settings are */
	char repo_host[INPUT_NAME], repo_owner[INPUT_NAME], repo_name[INPUT_NAME];
	char worktree_branch[INPUT_NAME];
	char model[INPUT_NAME], session[INPUT_NAME], effort[INPUT_NAME];
	bool has_context;
	double context; /* percent, 0 or more; 0 while nothing was sent */
	bool has_limits;
	struct input_window five_hour, seven_day;
	bool has_cost, has_duration, has_lines;
	double cost;	 /* US dollars */
	double duration; /* milliseconds */
	double added, removed;
};

/*
 * Read fd to its end, at most INPUT_MAX bytes of it into buf (INPUT_MAX bytes),
 * the rest being thrown away: who writes must not fail.  Ends at the deadline
 * (io_now_ms) in any case.  Returns the bytes in buf.
 */
size_t input_read(int fd, char *buf, int64_t deadline);

/* Take n bytes apart.  buf is changed.  Never fails: see parsed. */
void input_parse(char *buf, size_t n, struct input *in);

#endif
