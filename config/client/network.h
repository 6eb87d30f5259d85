/*
 * config/client/network.h - how the person's Claude Code reaches the network: proxy,
 * certificate authorities, client certificate.  A relay takes the same way.
 *
 * They are taken from where Claude Code takes them: managed settings, the user's
 * settings, the environment.  Never from a repository's settings.
 */
#ifndef CONFIG_CLIENT_NETWORK_H
#define CONFIG_CLIENT_NETWORK_H

#include <stdbool.h>
#include "base/paths.h"

struct failure;
struct provider;
struct settings_files;

#define NETWORK_VALUE_MAX 1024

struct network_value {
	char text[NETWORK_VALUE_MAX + 1]; /* "": there is none */
	const char *name;		  /* the variable that says it (static) */
	char from[PATH_SIZE];		  /* "environment", or the settings file */
	bool written;			  /* that file is the person's: a session can write it */
};

struct network {
	struct network_value proxy, no_proxy;
	struct network_value ca;	/* a file of further authorities, an absolute path */
	struct network_value cert, key; /* of the client: absolute paths, both or none */
	const char *
		passed_over; /* the variable of a SOCKS proxy, without which requests go; or NULL */
};

/*
 * What counts for p's origin: nothing for one without TLS, where a proxy would read the
 * key, and no proxy for one on this machine.  0; or -1 with FAIL_CONFIG (quotes nothing of a settings file).
 */
int network_read(const struct provider *p, const struct settings_files *files, char *const *env,
		 struct network *out, struct failure *f);

/* network_read for this process's environment and the settings of its user's client. */
int network_of_person(const struct provider *p, struct network *out, struct failure *f);

/* out = a value as it may be shown: a proxy without its credentials. */
void network_show_text(const char *value, char out[NETWORK_VALUE_MAX + 1]);

#endif
