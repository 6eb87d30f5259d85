/*
 * start/usage_worker.c - starting the worker that fetches the provider's quota.
 */
#include "start/usage_worker.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/proc.h"
#include "config/provider/provider.h"
#include "start/detached.h"

void usage_start(const struct provider *p)
{
	/* Where credentials and proxies are; a proxy sees no more than a host's name. */
	static const char *const also[] = { "CLAUDE_CONFIG_DIR", "https_proxy", "HTTPS_PROXY", "all_proxy",
					    "ALL_PROXY",	 "no_proxy",	"NO_PROXY",    NULL };
	const char *argv[] = { "ccrun-usage", "--kind", p->usage, "--own",
			       "--name",      p->name,	NULL };
	char path[PATH_SIZE];
	unsigned i;
	int self;

	/* A session inside a session: the broker would not hear its worker. */
	if (!p->usage[0] || proc_self_marked())
		return;
	if (p->secrets) {
		argv[3] = "--entry";
		argv[4] = p->secret[0].entry;
		argv[5] = NULL;
	}
	if (path_sibling("libexec/ccrun/ccrun-usage", path, NULL) != 0 || access(path, X_OK) != 0)
		return;
	/* Where this session's client keeps its own login. */
	if (p->policy.config_dir[0])
		for (i = 0; i < p->envs; i++)
			if (strcmp(p->env[i].name, "CLAUDE_CONFIG_DIR") == 0)
				setenv("CLAUDE_CONFIG_DIR", p->env[i].value, 1);
	/* By this it sees the session's end, whatever number its process has. */
	self = (int)syscall(SYS_pidfd_open, getpid(), 0u);
	if (self < 0)
		return;
	detached_start(path, argv, also, self, 0);
	close(self);
}
