/*
 * client/common/common.c - the call to the broker, secrets, options, plain output.
 */
#include "client/common/common.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/terminal.h"
#include "display/text.h"
#include "vault/arena.h"

/* ---- the broker ---- */

int client_begin(struct client *c, bool secrets, struct failure *f)
{
	memset(c, 0, sizeof(*c));
	c->dial.fd = -1;
	if (!secrets) {
		c->buf = malloc(WIRE_PACKET_MAX);
		if (!c->buf)
			return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a packet");
		return 0;
	}
	c->arena = arena_new(ARENA_DEFAULT, f);
	if (!c->arena)
		return -1;
	c->buf = arena_alloc(c->arena, WIRE_PACKET_MAX, f);
	return c->buf ? 0 : -1;
}

static void disconnect(struct client *c)
{
	if (c->connected)
		dial_close(&c->dial);
	c->connected = false;
}

void client_end(struct client *c)
{
	disconnect(c);
	if (c->arena)
		arena_free(c->arena);
	else
		free(c->buf);
	c->arena = NULL;
	c->buf = NULL;
}

int client_connect(struct client *c, bool start, struct failure *f)
{
	disconnect(c);
	c->connected = true;
	if (dial_open_at(&c->dial, c->where, start, c->buf, WIRE_PACKET_MAX, f) != 0 ||
	    dial_hello(&c->dial, f) != 0 ||
	    wire_text(c->dial.in.top, "state", c->state, sizeof(c->state), f) != 0 ||
	    wire_text(c->dial.in.top, "why", c->why, sizeof(c->why), f) != 0 ||
	    wire_get_uint(c->dial.in.top, "asleep", &c->asleep, f) != 0 ||
	    wire_text(c->dial.in.top, "vault", c->vault, sizeof(c->vault), f) != 0)
		return -1;
	return 0;
}

int client_call(struct client *c, struct wire_out *request, struct failure *f)
{
	return dial_call(&c->dial, request, NULL, f);
}

bool vault_file_exists(void)
{
	char path[PATH_SIZE];
	struct stat st;

	/* What cannot be told counts as there: nothing is made over it. */
	return path_of(PATH_DATA, "vault", path, NULL) != 0 || lstat(path, &st) == 0 ||
	       errno != ENOENT;
}

/* ---- secrets ---- */

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

/* One byte at a time: what follows the line is not ours (`add` reads keys there). */
static int read_line(int fd, struct secret *s, struct failure *f)
{
	int64_t deadline = io_now_ms() + PIPE_DEADLINE_MS;
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
	/* A file written on Windows: the carriage return is nobody's passphrase. */
	if (s->n > 0 && s->p[s->n - 1] == '\r')
		s->n--;
	return 0;
}

int secret_from_fd(int fd, struct secret *s, struct failure *f)
{
	/* A terminal that is named by number is a terminal all the same. */
	if (isatty(fd))
		return terminal_secret_on(fd, "Passphrase: ", s, f);
	return read_line(fd, s, f);
}

/* ---- words on the command line ---- */

/* May this word be shown?  A key typed as an option must not get into a log. */
static bool showable(const char *word, size_t n)
{
	size_t i;

	if (n < 3 || n > 24 || strncmp(word, "--", 2) != 0)
		return false;
	for (i = 2; i < n; i++)
		if ((word[i] < 'a' || word[i] > 'z') && word[i] != '-')
			return false;
	return true;
}

static void bad_option(int opt, char **argv, struct failure *f)
{
	const char *word = argv[optind - 1], *why = opt == ':' ? "needs a value" : "is unknown here";
	size_t n = strcspn(word, "=");

	if (optopt > ' ' && optopt < 0x7f)
		fail_set(f, FAIL_USAGE, NULL, "option -%c %s", optopt, why);
	else if (showable(word, n))
		fail_set(f, FAIL_USAGE, NULL, "option %.*s %s", (int)n, word, why);
	else
		fail_set(f, FAIL_USAGE, NULL, "an option %s", why);
	fail_hint(f, "ccctl help %s", argv[0]);
}

int next_option(bool *first, int argc, char **argv, const char *shorts,
		const struct option *longs, struct failure *f)
{
	int opt;

	if (*first)
		optind = 0; /* glibc: start over */
	*first = false;
	opterr = 0;
	optopt = 0;
	opt = getopt_long(argc, argv, shorts, longs, NULL);
	if (opt == '?' || opt == ':') {
		bad_option(opt, argv, f);
		return '?';
	}
	return opt;
}

int want_words(int argc, char **argv, int n, struct failure *f)
{
	if (argc - optind == n)
		return 0;
	if (argc - optind < n)
		fail_set(f, FAIL_USAGE, NULL, "%s: a word is missing", argv[0]);
	else
		fail_set(f, FAIL_USAGE, NULL,
			 "%s: too many words (a key is never an argument: ps and the shell's history "
			 "would show it)",
			 argv[0]);
	fail_hint(f, "ccctl help %s", argv[0]);
	return -1;
}

int number_option(const char *text, long least, long most, const char *what, long *out,
		  struct failure *f)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno || end == text || *end || *out < least || *out > most)
		return fail_set(f, FAIL_USAGE, NULL, "%s must be a whole number from %ld to %ld", what,
				least, most);
	return 0;
}

int passphrase_fd_option(const char *text, int *fd, struct failure *f)
{
	long n;

	if (number_option(text, 0, 1 << 20, "--passphrase-fd", &n, f) != 0)
		return -1;
	if (fcntl((int)n, F_GETFD) < 0)
		return fail_set(f, FAIL_USAGE, "for example: --passphrase-fd 3 3< FILE",
				"--passphrase-fd: descriptor %ld is not open", n);
	*fd = (int)n;
	return 0;
}

int want_name(const char *word, struct failure *f)
{
	if (wire_name_ok(word))
		return 0;
	return fail_set(f, FAIL_USAGE, "letters, digits, '.', '_' and '-', 64 at most, a letter or "
			"digit first", "that cannot be a name");
}

int split_provider(const char *word, char name[NAME_MAX_LEN + 1], char mode[NAME_MAX_LEN + 1],
		   struct failure *f)
{
	const char *colon = strchr(word, ':');
	size_t n = colon ? (size_t)(colon - word) : strlen(word);

	name[0] = mode[0] = '\0';
	if (n <= NAME_MAX_LEN) {
		memcpy(name, word, n);
		name[n] = '\0';
	}
	if (want_name(name, f) != 0)
		return -1;
	if (!colon)
		return 0;
	if (want_name(colon + 1, f) != 0)
		return -1;
	memcpy(mode, colon + 1, strlen(colon + 1) + 1);
	return 0;
}

/* ---- output ---- */

void say(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	fail_printable(text);
	fprintf(stderr, "ccctl: %s\n", text);
	free(text);
}

void put_plain(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return;
	fail_printable(copy);
	fputs(copy, stdout);
	free(copy);
}

int cell_width(const char *text, int least)
{
	int n = (int)display_width(text);

	return n > least ? n : least;
}

void put_cell(const char *text, int width)
{
	put_plain(text);
	printf("%*s", width - cell_width(text, 0) + 2, "");
}
