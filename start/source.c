/*
 * start/source.c - running ccrun-source, which fetches keys that stay in another
 * password manager.  The program is in helpers/source/.
 */
#include "start/source.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "start/helper.h"

#define PROGRAM "ccrun-source"
#define WORDS (SESSION_ENTRIES_MAX + 4)

/* It handles a secret: no library may be loaded into it by a variable. */
static bool source_drops(const char *entry)
{
	return strncmp(entry, "LD_", 3) == 0 || strncmp(entry, "GLIBC_TUNABLES=", 15) == 0;
}

/* Standard input and output stay claude's: ccrun-source gets neither. */
static int source_run(const char *const argv[], bool terminal, const struct iovec *in,
		      unsigned in_parts, uint8_t *out, size_t room, size_t *n, struct failure *f)
{
	struct helper h = {
		.argv = argv,
		.in = in,
		.in_parts = in_parts,
		.interactive = true,
		.terminal = terminal,
		.drop = source_drops,
	};

	return helper_run(&h, out, room, n, f);
}

int source_fetch(const char *const names[], bool terminal, struct failure *f)
{
	const char *argv[WORDS + 1] = { PROGRAM, "fetch" };
	unsigned n = 2, i;
	size_t none;

	if (terminal)
		argv[n++] = "--terminal";
	for (i = 0; names[i] && n < WORDS; i++)
		argv[n++] = names[i];
	return source_run(argv, terminal, NULL, 0, NULL, 0, &none, f);
}

void source_keep(const char *const names[])
{
	const char *argv[WORDS + 1] = { PROGRAM, "keep" };
	char path[PATH_SIZE];
	/* Readable once this process ends; a PID could be reused. */
	int self = proc_self_marked() ? -1 : (int)syscall(SYS_pidfd_open, getpid(), 0u);
	struct spawn s = {
		.path = path,
		.argv = argv,
		.drop = source_drops,
		.fd = { { 0, SPAWN_NULL }, { 1, SPAWN_NULL }, { 2, SPAWN_NULL }, { 3, self } },
		.fds = 4,
		.close_others = true,
		.all_defaults = true,
		.unblocked = true,
		.dir = "/",
	};
	unsigned i;

	for (i = 0; names[i] && i + 2 < WORDS; i++)
		argv[i + 2] = names[i];
	if (self >= 0 && path_installed("libexec/ccrun/" PROGRAM, path, NULL) == 0)
		(void)spawn_detached(&s, false);
	if (self >= 0)
		close(self);
}

int source_try(const struct entry_source *s, bool terminal, uint8_t *out, size_t room, size_t *n,
	       struct failure *f)
{
	const char *const argv[] = { PROGRAM, "try", terminal ? "--terminal" : NULL, NULL };
	struct iovec texts[3] = { { (void *)s->ref, strlen(s->ref) + 1 },
				  { (void *)s->command, strlen(s->command) + 1 },
				  { (void *)s->pick, strlen(s->pick) + 1 } };

	return source_run(argv, terminal, texts, 3, out, room, n, f);
}
