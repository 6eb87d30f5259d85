/*
 * config/client/network.h - how the person's Claude Code reaches the network: proxy,
 * certificate authorities, client certificate.  A relay takes the same way.
 *
 * They are taken from where Claude Code takes them: managed settings, the user's
 * settings, the environment.  Never from a repository's settings.
 */
#ifndef CONFIG_CLIENT_NETWORK_H
#define CONFIG_CLIENT_NETWORK_H

struct failure;
struct provider;

#define NETWORK_VALUE_MAX 1024
#define NETWORK_MANAGED_SETTINGS "/etc/claude-code/managed-settings.json"

struct network_value {
	char text[NETWORK_VALUE_MAX + 1]; /* "": there is none */
	const char *name;		  /* the variable that says it (static) */
	const char *from; /* "environment", "user settings", "managed settings" (static) */
};

struct network {
	struct network_value proxy, no_proxy;
	struct network_value ca;	/* a file of further authorities, an absolute path */
	struct network_value cert, key; /* of the client: absolute paths, both or none */
};

struct network_sources {
	const char *managed;	/* managed settings, which need not exist */
	const char *config_dir; /* where the user's settings.json is, if it exists */
	char *const *env;
};

/*
 * What counts for p's origin: nothing for one without TLS, where a proxy would read the
 * key, and no proxy for one on this machine.  0; or -1 with FAIL_CONFIG (quotes nothing of a settings file).
 */
int network_read(const struct provider *p, const struct network_sources *from, struct network *out,
		 struct failure *f);

/* network_read for this process's environment and the settings of its user's client. */
int network_of_person(const struct provider *p, struct network *out, struct failure *f);

/* out = v's text as it may be shown: a proxy without its credentials. */
void network_show(const struct network_value *v, char out[NETWORK_VALUE_MAX + 1]);

#endif
