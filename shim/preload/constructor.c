/*
 * constructor.c - what the library does before main.  Without ccrun's variables
 * in the environment: nothing.
 *
 * 1. Save what children get back (CCRUN_SAVED_*) and how this library was loaded: from
 *    its file, or from a descriptor, which children must not have.
 * 2. Take ccrun's own variables out of the environment.
 * 3. With a connection (CCRUN_FD): claim the secrets, or exit 125.  With a relay's
 *    socket (CCRUN_RELAY), which uses the secrets elsewhere: harden, or exit 125.
 * 4. Switch the hooks on.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/preload/claim.h"
#include "shim/preload/harden.h"
#include "shim/preload/hook_shell.h"
#include "shim/preload/libc_functions.h"
#include "shim/preload/refusal.h"
#include "shim/preload/session_state.h"

static bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Is this entry of environ one through which ccrun passed the session on? */
static bool entry_is_ours(const char *entry)
{
	return has_prefix(entry, SAVED_PREFIX) || has_prefix(entry, FD_PREFIX) ||
	       has_prefix(entry, RELAY_PREFIX) || has_prefix(entry, PRELOAD_PREFIX);
}

static bool environ_has_session(void)
{
	for (char **e = environ; e && *e; e++)
		if (has_prefix(*e, SAVED_PREFIX) || has_prefix(*e, FD_PREFIX) ||
		    has_prefix(*e, RELAY_PREFIX))
			return true;
	return false;
}

/*
 * Copy those entries: programs overwrite the initial block (to set a title for
 * ps), and a child must get what the user had.  Nothing here is secret.
 */
static int environ_save_ours(struct refusal *why)
{
	size_t bytes = 0, count = 0;
	const char **array;
	char *text;

	for (char **e = environ; *e; e++)
		if (entry_is_ours(*e)) {
			bytes += strlen(*e) + 1;
			count++;
		}
	bytes += count * sizeof(*array);
	array = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (array == MAP_FAILED)
		return refusal_set(why, "no memory for the environment", NULL);
	text = (char *)(array + count);
	for (char **e = environ; *e; e++) {
		if (!entry_is_ours(*e))
			continue;
		if (has_prefix(*e, SAVED_PREFIX))
			array[session.saved_count++] = text;
		else if ((has_prefix(*e, FD_PREFIX) || has_prefix(*e, RELAY_PREFIX)) &&
			 !session.ticket)
			session.ticket = text;
		else if (has_prefix(*e, PRELOAD_PREFIX) && !session.preload)
			session.preload = text;
		text = stpcpy(text, *e) + 1;
	}
	session.saved = array;
	session.relayed = session.ticket && has_prefix(session.ticket, RELAY_PREFIX);
	if (mprotect(array, bytes, PROT_READ) != 0)
		return refusal_set(why, "cannot protect the saved environment", NULL);
	return 0;
}

/* In place, as unsetenv does it: only pointers move. */
static void environ_remove_ours(void)
{
	char **to = environ;

	for (char **from = environ; *from; from++)
		if (!entry_is_ours(*from))
			*to++ = *from;
	*to = NULL;
}

/* A plain decimal number above the standard streams, or -1. */
static int fd_parse(const char *s)
{
	int fd = 0;

	if (*s == '0')
		return -1;
	for (; *s >= '0' && *s <= '9' && fd < 100000000; s++)
		fd = fd * 10 + (*s - '0');
	return *s == '\0' && fd > 2 ? fd : -1;
}

/*
 * Where this library has no name, another image gets it from the same descriptor.  One that
 * is not there is another program's word for it: no image gets the session then.
 */
static void library_find(void)
{
	struct stat st;
	int fd;

	if (!session.preload || !has_prefix(session.preload, LIBRARY_PREFIX))
		return;
	fd = fd_parse(session.preload + strlen(LIBRARY_PREFIX));
	if (fd < 0 || fstat(fd, &st) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
		session.preload = NULL;
		return;
	}
	session.library = fd;
	session.library_dev = st.st_dev;
	session.library_ino = st.st_ino;
}

static bool fd_is_connection(int fd)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

/* A relay's socket is no open socket here, but the place of one (O_PATH). */
static bool fd_is_place(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_PATH);
}

/* The descriptor that the ticket names, noted in session; or -1. */
static int ticket_find(struct refusal *why)
{
	struct stat st;
	int fd = fd_parse(strchr(session.ticket, '=') + 1);

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISSOCK(st.st_mode) ||
	    !(session.relayed ? fd_is_place(fd) : fd_is_connection(fd)))
		return refusal_set(why,
				   session.relayed ? "CCRUN_RELAY is no relay's socket"
						   : "CCRUN_FD is no connection to the broker",
				   "start the program with ccrun");
	session.fd = fd;
	session.dev = st.st_dev;
	session.ino = st.st_ino;
	return fd;
}

__attribute__((constructor(101))) static void session_start(void)
{
	struct refusal why = { .text = { 0 } };
	int error = errno;

	if (!environ_has_session())
		return;
	if (environ_save_ours(&why) != 0)
		refusal_exit(&why);
	environ_remove_ours();
	library_find();
	if (session.ticket) {
		int fd = ticket_find(&why);

		if (fd < 0 ||
		    (session.relayed ? process_harden(fd, &why) : claim_secrets(fd, &why)) != 0)
			refusal_exit(&why);
	}
	(void)libc_functions();
	hook_shell_start();
	session.pid = getpid();
	session.active = true;
	errno = error;
}
