/*
 * libc_functions.c - finding libc's own functions behind the hooks.
 */
#include "shim/preload/libc_functions.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

static struct libc_functions found;
static bool resolved;

/* Store the address of the next library's name in *where, a function pointer. */
static void next_symbol(void *where, const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	memcpy(where, &p, sizeof(p)); /* ISO C has no cast from object to function */
}

const struct libc_functions *libc_functions(void)
{
	/* Two threads may both do this: they write the same values. */
	if (__atomic_load_n(&resolved, __ATOMIC_ACQUIRE))
		return &found;
	next_symbol(&found.posix_spawn, "posix_spawn");
	next_symbol(&found.posix_spawnp, "posix_spawnp");
	next_symbol(&found.system, "system");
	next_symbol(&found.popen, "popen");
	next_symbol(&found.pclose, "pclose");
	next_symbol(&found.wordexp, "wordexp");
	next_symbol(&found.pidfd_spawn, "pidfd_spawn");
	next_symbol(&found.pidfd_spawnp, "pidfd_spawnp");
	if (!found.pidfd_spawn)
		(void)dlerror(); /* the program must not see this error as its own */
	__atomic_store_n(&resolved, true, __ATOMIC_RELEASE);
	return &found;
}
