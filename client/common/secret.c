/*
 * client/common/secret.c - secrets in locked memory, and reading one from a descriptor.
 */
#include "client/common/secret.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/connection.h"
#include "client/common/terminal.h"
#include "vault/arena.h"

int secret_new(struct client *c, struct secret *s, size_t room, struct failure *f)
{
	s->n = 0;
	s->room = room;
	s->p = arena_alloc(c->arena, room, f);
	return s->p ? 0 : -1;
}

void secret_free(struct client *c, struct secret *s)
{
	if (s->p)
		arena_release(c->arena, s->p);
	memset(s, 0, sizeof(*s));
}

/* One byte at a time: what follows the line must stay unread (`add` reads keys there). */
static int secret_read_line(int fd, struct secret *s, struct failure *f)
{
	int64_t deadline = clock_now_ms() + PIPE_DEADLINE_MS;
	ssize_t r;
	int w;

	for (s->n = 0;; s->n++) {
		if (s->n == s->room)
			return fail_set(f, FAIL_TOO_LARGE, "is the right descriptor named?",
					"the passphrase is longer than %zu bytes", s->room - 1);
		w = io_wait(fd, POLLIN, deadline);
		if (w == 0)
			return fail_set(f, FAIL_TIMEOUT, NULL,
					"no passphrase came on descriptor %d within %d minutes", fd,
					PIPE_DEADLINE_MS / 60000);
		do
			r = read(fd, s->p + s->n, 1);
		while (r < 0 && errno == EINTR);
		if (r < 0)
			return fail_errno(f, NULL, "read the passphrase on descriptor %d", fd);
		if (r == 0 || s->p[s->n] == '\n')
			break;
		if (s->p[s->n] == '\0')
			return fail_set(f, FAIL_BAD_VALUE, NULL, "the passphrase has a NUL");
	}
	/* In a file from Windows the line ends with a carriage return. */
	if (s->n > 0 && s->p[s->n - 1] == '\r')
		s->n--;
	return 0;
}

int secret_from_fd(int fd, struct secret *s, struct failure *f)
{
	/* A terminal must not echo the passphrase. */
	if (isatty(fd))
		return terminal_secret_on(fd, "Passphrase: ", s, f);
	return secret_read_line(fd, s, f);
}
