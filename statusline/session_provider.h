/*
 * statusline/session_provider.h - which provider this session talks to, from its
 * environment and the providers' files.
 */
#ifndef STATUSLINE_SESSION_PROVIDER_H
#define STATUSLINE_SESSION_PROVIDER_H

#include <stdbool.h>
#include "config/settings/colour.h"
#include "wire/limits.h"

#define PROVIDER_LABEL 256 /* bytes: a host's name fits */

struct session_provider {
	char label[PROVIDER_LABEL]; /* never "", but may be hostile: not cleaned for display */
	char colour[COLOUR_SGR];
	bool has_colour;   /* the provider's file sets one */
	bool broken;	   /* the provider's file cannot be read: label is its name */
	bool subscription; /* the client's own login pays, so its input may have the limits */
	char entry[NAME_MAX_LEN + 1]; /* the vault's whose key the session uses, or "" */
	char usage[NAME_MAX_LEN + 1]; /* whose usage to ask the broker for, or "" */
	bool own; /* usage names a provider that uses the client's own login (else an entry) */
};

/* Never fails. */
void session_provider_find(struct session_provider *out);

#endif
