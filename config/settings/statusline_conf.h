/*
 * config/settings/statusline_conf.h - [statusline] of ccrun.conf(5): how the status line
 * looks.  Every key has a default.
 */
#ifndef CONFIG_SETTINGS_STATUSLINE_CONF_H
#define CONFIG_SETTINGS_STATUSLINE_CONF_H

#include <stdbool.h>
#include "config/settings/colour.h"

struct failure;
struct ini_file;

enum status_part {
	PART_PROVIDER,
	PART_QUOTA,
	PART_CONTEXT,
	PART_BRANCH,
	PART_REPO,
	PART_MODEL,
	PART_COST,
	PART_DURATION,
	PART_LINES,
	PART_DIR,
	PART_EFFORT,
	PART_SESSION,
	PART_SPENT,
	PART_COUNT
};

/* What has a colour: the parts, and these. */
enum status_colour {
	COLOUR_SEPARATOR = PART_COUNT,
	COLOUR_WARN,  /* quota and context from the lower threshold on */
	COLOUR_HIGH,  /* the same from the upper threshold on */
	COLOUR_STALE, /* numbers that are old, and the ? of an error */
	COLOUR_COUNT
};

enum status_reset { RESET_NO, RESET_LEFT /* 2h10m */, RESET_CLOCK /* 14:30 */ };

#define STATUS_SEPARATOR 32 /* bytes, with the NUL */
#define STATUS_WINDOWS 8
#define STATUS_WINDOW 9 /* bytes of a window's label, with the NUL */

struct statusline_conf {
	enum status_part part[PART_COUNT]; /* in order, each once */
	unsigned parts;
	char separator[STATUS_SEPARATOR]; /* as in the file: not checked for a terminal */
	char colour[COLOUR_COUNT][COLOUR_SGR];
	char window[STATUS_WINDOWS]
		   [STATUS_WINDOW]; /* labels of the quota windows to show, "money", or "all" */
	unsigned windows;
	unsigned width; /* columns of the line; 0: as COLUMNS in the environment says */
	unsigned label, branch, repo;	     /* the widest that each may be, in columns */
	unsigned quota_at[2], context_at[2]; /* percent: warn, high */
	enum status_reset reset;
	bool twelve; /* a 12-hour clock */
	bool link, dirty;
	unsigned dirty_ms; /* how long the check for uncommitted changes may take */
};

void statusline_conf_default(struct statusline_conf *s);

/*
 * Set what [statusline] of the file says; *s is the default before.  0, or -1 with FAIL_CONFIG
 * ("FILE:LINE: ...") and *s is the default again.
 */
int statusline_conf_read(const struct ini_file *file, struct statusline_conf *s, struct failure *f);

#endif
