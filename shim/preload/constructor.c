/*
 * constructor.c - the constructor: what happens in the session's process before
 * main.  Without the variables of ccrun it does nothing at all.
 *
 * 1. Remember what children get back (CCRUN_SAVED_*) and how this library was
 *    loaded.  2. With a connection (CCRUN_FD): claim, or exit 125.  3. Take
 * ccrun's own variables out of the environment.  4. Switch the hooks on.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "shim/preload/preload.h"

extern char **environ;

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool ours(const char *entry)
{
	return starts(entry, SAVED_PREFIX) || starts(entry, FD_PREFIX) ||
	       starts(entry, PRELOAD_PREFIX);
}

static bool in_session(void)
{
	for (char **e = environ; e && *e; e++)
		if (starts(*e, SAVED_PREFIX) || starts(*e, FD_PREFIX))
			return true;
	return false;
}

/*
 * Copy our variables: programs write over the initial block (a title for ps),
 * and a child must get what the user had.  Nothing here is secret.
 */
static int remember(struct trouble *t)
{
	size_t bytes = 0, count = 0;
	const char **array;
	char *text;

	for (char **e = environ; *e; e++)
		if (ours(*e)) {
			bytes += strlen(*e) + 1;
			count++;
		}
	bytes += count * sizeof(*array);
	array = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (array == MAP_FAILED)
		return trouble(t, "no memory for the environment", NULL);
	text = (char *)(array + count);
	for (char **e = environ; *e; e++) {
		if (!ours(*e))
			continue;
		if (starts(*e, SAVED_PREFIX))
			array[session.saved_count++] = text;
		else if (starts(*e, FD_PREFIX) && !session.ticket)
			session.ticket = text;
		else if (starts(*e, PRELOAD_PREFIX) && !session.preload)
			session.preload = text;
		text = stpcpy(text, *e) + 1;
	}
	session.saved = array;
	if (mprotect(array, bytes, PROT_READ) != 0)
		return trouble(t, "cannot protect the saved environment", NULL);
	return 0;
}

/* In place, as unsetenv does it: only pointers move. */
static void forget(void)
{
	char **to = environ;

	for (char **from = environ; *from; from++)
		if (!ours(*from))
			*to++ = *from;
	*to = NULL;
}

/* A plain decimal number above the standard streams, or -1. */
static int parse_fd(const char *s)
{
	int fd = 0;

	if (*s == '0')
		return -1;
	for (; *s >= '0' && *s <= '9' && fd < 100000000; s++)
		fd = fd * 10 + (*s - '0');
	return *s == '\0' && fd > 2 ? fd : -1;
}

static int connection(struct trouble *t)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof(int);
	struct stat st;
	int fd = parse_fd(session.ticket + strlen(FD_PREFIX));

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISSOCK(st.st_mode) ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
		return trouble(t, "CCRUN_FD is no connection to the broker",
			       "start the program with ccrun");
	session.fd = fd;
	session.dev = st.st_dev;
	session.ino = st.st_ino;
	return fd;
}

__attribute__((constructor(101))) static void start(void)
{
	struct trouble t = {.text = {0}};
	int error = errno;

	if (!in_session())
		return;
	if (remember(&t) != 0)
		refuse(&t);
	forget();
	if (session.ticket) {
		int fd = connection(&t);

		if (fd < 0 || claim(fd, &t) != 0)
			refuse(&t);
	}
	(void)real();
	shell_start();
	session.pid = getpid();
	session.active = true;
	errno = error;
}
