/*
 * start/usage_worker.h - starting ccrun-usage, which fetches a provider's quota
 * for the status line while a session lasts.
 */
#ifndef START_USAGE_WORKER_H
#define START_USAGE_WORKER_H

struct usage_worker {
	const char *kind;     /* which provider's way of telling a quota */
	const char *entry;    /* whose key it uses; NULL: the client's own login */
	const char *provider; /* for the status line, where there is no entry */
	const char
		*config_dir; /* where the client keeps its login; NULL: as the environment says */
};

/*
 * Start it, outside of the session: a process that is marked already starts none,
 * as the broker answers no marked process.  It ends with this process, also after
 * an exec.  It gets this process's CLAUDE_CONFIG_DIR (which config_dir sets) and
 * proxy variables.  No failure is reported, and nothing is waited for: without a
 * worker only the quota is missing.
 */
void usage_worker_start(const struct usage_worker *w);

#endif
