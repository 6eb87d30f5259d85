/*
 * libc_functions.c - libc's own functions behind the hooks that call them.
 */
#include <dlfcn.h>
#include <string.h>
#include "shim/preload/preload.h"

static struct real found;
static bool resolved;

static void find(void *where, const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	memcpy(where, &p, sizeof(p)); /* ISO C has no cast from object to function */
}

const struct real *real(void)
{
	/* Two threads may both do this: they write the same values. */
	if (__atomic_load_n(&resolved, __ATOMIC_ACQUIRE))
		return &found;
	find(&found.posix_spawn, "posix_spawn");
	find(&found.posix_spawnp, "posix_spawnp");
	find(&found.system, "system");
	find(&found.popen, "popen");
	find(&found.pclose, "pclose");
	find(&found.wordexp, "wordexp");
	find(&found.pidfd_spawn, "pidfd_spawn");
	find(&found.pidfd_spawnp, "pidfd_spawnp");
	if (!found.pidfd_spawn)
		(void)dlerror(); /* not the program's error */
	__atomic_store_n(&resolved, true, __ATOMIC_RELEASE);
	return &found;
}
