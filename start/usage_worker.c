/*
 * start/usage_worker.c - starting ccrun-usage.
 */
#include "start/usage_worker.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/proc.h"
#include "start/detached.h"

void usage_worker_start(const struct usage_worker *w)
{
	/* A proxy sees the host's name and no key: the connection through it is TLS. */
	static const char *const also[] = { "CLAUDE_CONFIG_DIR", "https_proxy", "HTTPS_PROXY",
					    "all_proxy",	 "ALL_PROXY",	"no_proxy",
					    "NO_PROXY",		 NULL };
	const char *argv[] = { "ccrun-usage", "--kind",	   w->kind, "--own",
			       "--name",      w->provider, NULL };
	char path[PATH_SIZE];
	int self;

	if (proc_self_marked())
		return;
	if (w->entry) {
		argv[3] = "--entry";
		argv[4] = w->entry;
		argv[5] = NULL;
	}
	if (path_installed("libexec/ccrun/ccrun-usage", path, NULL) != 0 || access(path, X_OK) != 0)
		return;
	if (w->config_dir)
		setenv("CLAUDE_CONFIG_DIR", w->config_dir, 1);
	/* Readable once this process ends; a PID could be reused. */
	self = (int)syscall(SYS_pidfd_open, getpid(), 0u);
	if (self < 0)
		return;
	detached_start(path, argv, also, self, 0);
	close(self);
}
