/*
 * statusline/session_provider.h - which provider this session talks to, told by
 * the environment and the providers' files.
 */
#ifndef STATUSLINE_SESSION_PROVIDER_H
#define STATUSLINE_SESSION_PROVIDER_H

#include <stdbool.h>
#include "config/settings/colour.h"
#include "wire/limits.h"

#define SHOWN_LABEL 256 /* bytes of a label: a host's name fits */

struct shown_provider {
	char label[SHOWN_LABEL]; /* as found: not checked for a terminal; never "" */
	char colour[COLOUR_SGR];
	bool has_colour;   /* its file says one */
	bool broken;	   /* its file cannot be read: label is the name */
	bool subscription; /* the client's own login, whose limits the input may have */
	bool ours;	   /* started by ccrun */
	char usage[NAME_MAX_LEN + 1]; /* what to ask the broker for, or "" */
	bool own;		      /* that is a provider that uses the client's own log-in */
};

/* Never fails. */
void provider_shown(struct shown_provider *out);

#endif
