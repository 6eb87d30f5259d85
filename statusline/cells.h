/*
 * statusline/cells.h - makes the cells of the status line from what is known.
 */
#ifndef STATUSLINE_CELLS_H
#define STATUSLINE_CELLS_H

#include <stdbool.h>
#include <stdint.h>
#include "config/settings/statusline_conf.h"
#include "statusline/client_input.h"
#include "git/git_status.h"
#include "statusline/line.h"
#include "statusline/quota.h"
#include "statusline/redirect.h"
#include "statusline/session_provider.h"
#include "statusline/session_spending.h"

/* All that the line is made from. */
struct facts {
	struct statusline_conf settings;
	const char *mistake; /* "ccrun.conf:3?" when that file has an error, or "" */
	struct client_input input;
	struct session_provider provider;
	struct quota quota;
	struct session_spending spending;
	enum redirect redirect;
	struct git_status git;
	int64_t now; /* seconds since the epoch */
};

/* Do the settings show this part? */
bool part_is_shown(const struct statusline_conf *s, enum status_part part);

/*
 * Fill the line with at least one cell.  Depends on nothing but the facts and the
 * time zone.
 */
void cells_make(const struct facts *k, struct status_line *l);

/* out = "2h10m", "3d4h", "45m", "9s". */
#define CELLS_TIME_TEXT 24
void cells_duration_text(int64_t seconds, char out[CELLS_TIME_TEXT]);

/*
 * out = the URL of a repository's page, or "" when one of the names has a
 * character that does not belong in a URL.
 */
void cells_page_url(const char *host, const char *owner, const char *name, char out[CELL_URL]);

#endif
