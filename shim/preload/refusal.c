/*
 * refusal.c - why a claim failed, and the one message that the library prints.
 */
#include "shim/preload/refusal.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define EXIT_REFUSED_CLAIM 125 /* as env(1): our own failure, not the program's */

int refusal_set(struct refusal *why, const char *text, const char *hint)
{
	strncpy(why->text, text, sizeof(why->text) - 1);
	strncpy(why->hint, hint ? hint : "", sizeof(why->hint) - 1);
	return -1;
}

/*
 * Append prefix, s and a newline.  Of s printable ASCII only: the text may come
 * from the socket, and control characters would act on the terminal.
 */
static char *line_append(char *out, const char *prefix, const char *s)
{
	out = stpcpy(out, prefix);
	for (; *s; s++)
		*out++ = *s >= ' ' && *s <= '~' ? *s : '?';
	*out++ = '\n';
	return out;
}

_Noreturn void refusal_exit(const struct refusal *why)
{
	char line[sizeof(*why) + 64], *end;
	struct pollfd p = { .fd = 2, .events = POLLOUT };

	end = line_append(line, "ccrun: claim refused: ", why->text);
	if (why->hint[0])
		end = line_append(end, "hint: ", why->hint);
	/* A closed pipe must not turn 125 into a signal, nor a full one block us.
	 * _exit: main has not run, so no atexit handler may either. */
	signal(SIGPIPE, SIG_IGN);
	if (poll(&p, 1, 1000) == 1 && write(2, line, (size_t)(end - line)) < 0)
		_exit(EXIT_REFUSED_CLAIM);
	_exit(EXIT_REFUSED_CLAIM);
}
