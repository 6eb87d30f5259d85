/*
 * statusline/cells.h - from what is known to the cells of the line.
 */
#ifndef STATUSLINE_CELLS_H
#define STATUSLINE_CELLS_H

#include <stdint.h>
#include "statusline/git_status.h"
#include "statusline/client_input.h"
#include "statusline/session_provider.h"
#include "statusline/quota.h"
#include "statusline/redirect.h"
#include "config/settings/statusline_conf.h"

struct line;

struct facts {
	struct statusline_conf settings;
	const char *mistake; /* "ccrun.conf:3?" when that file is wrong, or "" */
	struct input input;
	struct shown_provider provider;
	struct quota quota;
	enum redirect redirect;
	struct git_status git;
	int64_t now; /* seconds of the epoch */
};

/* Is the part one of those that are shown? */
bool parts_have(const struct statusline_conf *s, enum status_part part);

/* Fill the line; at least one cell comes out.  Pure, but for the time zone. */
void parts_line(const struct facts *k, struct line *l);

/* "2h10m", "3d4h", "45m", "9s"; out has PARTS_TIME bytes. */
#define PARTS_TIME 24
void parts_time(int64_t seconds, char *out);

/* The page of a repository from its pieces, or "" when one is not fit for an
 * address.  out has PARTS_URL bytes. */
#define PARTS_URL 640
void parts_url(const char *host, const char *owner, const char *name, char *out);

#endif
