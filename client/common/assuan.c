/*
 * client/common/assuan.c - Assuan's lines.
 */
#include "client/common/assuan.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/locked.h"
#include "base/number.h"
#include "client/common/secret.h"

#define BUFFER 4096
#define IDLE_MS 50

int assuan_begin(struct assuan *a, struct failure *f)
{
	a->from = a->have = 0;
	a->buf = locked_map(BUFFER, f);
	return a->buf ? 0 : -1;
}

void assuan_end(struct assuan *a)
{
	locked_unmap(a->buf, BUFFER);
	a->buf = NULL;
}

static bool must_be_escaped(unsigned char c)
{
	return c == '%' || c < ' ' || c == 0x7f;
}

int assuan_send(struct assuan *a, const char *command, const char *text, struct failure *f)
{
	char line[ASSUAN_LINE + 1];
	size_t n = (size_t)snprintf(line, sizeof(line), "%s%s", command, text ? " " : "");

	for (; text && *text && n + 3 < sizeof(line); text++)
		if (must_be_escaped((unsigned char)*text))
			n += (size_t)sprintf(line + n, "%%%02X", (unsigned char)*text);
		else
			line[n++] = *text;
	line[n++] = '\n';
	/* A line fits into the socket's buffer; no SIGPIPE. */
	if (send(a->fd, line, n, MSG_NOSIGNAL) == (ssize_t)n)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return fail_set(f, FAIL_PROGRAM, NULL, "%s ended without an answer", a->who);
	return fail_errno(f, NULL, "speak to %s", a->who);
}

/* Wait for more bytes, and read them behind those that are there. */
static int assuan_fill(struct assuan *a, int64_t deadline, struct failure *f)
{
	int64_t now = clock_now_ms();
	ssize_t n;
	int w = 0;

	while (w == 0 && now < deadline) {
		if (a->idle && a->idle(a->arg, f) != 0)
			return -1;
		w = io_wait(a->fd, POLLIN, deadline - now > IDLE_MS ? now + IDLE_MS : deadline);
		now = clock_now_ms();
	}
	if (w == 0)
		return fail_set(f, FAIL_TIMEOUT, NULL, "%s did not answer in time", a->who);
	do
		n = w < 0 ? -1 : read(a->fd, a->buf + a->have, BUFFER - a->have);
	while (n < 0 && w > 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return fail_set(f, FAIL_PROGRAM, NULL, "%s ended without an answer", a->who);
	if (n < 0)
		return fail_errno(f, NULL, "answer of %s", a->who);
	a->have += (size_t)n;
	return 0;
}

/* The next line, its newline replaced by NUL; it is valid until the next call.  NULL: f. */
static char *assuan_next_line(struct assuan *a, int64_t deadline, struct failure *f)
{
	uint8_t *end, *line;

	for (;;) {
		line = a->buf + a->from;
		end = memchr(line, '\n', a->have - a->from);
		if ((end ? (size_t)(end - line) : a->have - a->from) > ASSUAN_LINE) {
			fail_set(f, FAIL_TOO_LARGE, NULL, "%s writes a line of over %d bytes",
				 a->who, ASSUAN_LINE);
			return NULL;
		}
		if (end)
			break;
		memmove(a->buf, line, a->have - a->from);
		a->have -= a->from;
		a->from = 0;
		if (assuan_fill(a, deadline, f) != 0)
			return NULL;
	}
	*end = '\0';
	a->from = (size_t)(end + 1 - a->buf);
	/* A NUL of its own would hide what follows it. */
	if (strlen((char *)line) == (size_t)(end - line))
		return (char *)line;
	fail_set(f, FAIL_BAD_VALUE, NULL, "%s writes a NUL", a->who);
	return NULL;
}

static int data_append(const struct assuan *a, const char *from, struct secret *s,
		       struct failure *f)
{
	int high, low;

	if (!s)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "%s sends data that nobody asked for",
				a->who);
	for (; *from; from++) {
		if (s->n + 1 >= s->room)
			return fail_set(f, FAIL_TOO_LARGE, NULL,
					"the answer is longer than %zu bytes", s->room - 1);
		s->p[s->n] = (uint8_t)*from;
		if (*from == '%') {
			high = number_hex_digit(from[1]);
			low = high < 0 ? -1 : number_hex_digit(from[2]);
			if (low < 0 || high * 16 + low == 0)
				return fail_set(f, FAIL_BAD_VALUE, NULL,
						"%s escapes a byte wrongly", a->who);
			s->p[s->n] = (uint8_t)(high * 16 + low);
			from += 2;
		}
		s->n++;
	}
	return 0;
}

/* Is line this word alone, or the word and a blank?  Then *rest is what follows. */
static bool line_begins(const char *line, const char *word, const char **rest)
{
	size_t n = strlen(word);

	if (strncmp(line, word, n) != 0 || (line[n] != ' ' && line[n] != '\0'))
		return false;
	*rest = line + n + (line[n] == ' ');
	return true;
}

/* 1: the reply ends with this line; 0: it goes on; -1. */
static int reply_take_line(const struct assuan *a, const char *line, struct secret *s,
			   struct assuan_reply *r, struct failure *f)
{
	const char *rest;
	char *end;

	if (line[0] == '#')
		return 0;
	if (line_begins(line, "D", &rest))
		return data_append(a, rest, s, f);
	if (line_begins(line, "S", &rest)) {
		r->repeated = r->repeated || strcmp(rest, "PIN_REPEATED") == 0;
		return 0;
	}
	if (line_begins(line, "OK", &rest)) {
		r->ok = true;
		return 1;
	}
	if (line_begins(line, "ERR", &rest) && rest[0] >= '0' && rest[0] <= '9') {
		r->code = strtoul(rest, &end, 10);
		snprintf(r->text, sizeof(r->text), "%s", end + (*end == ' '));
		return 1;
	}
	return fail_set(f, FAIL_BAD_VALUE, NULL, "%s does not speak the protocol of pinentry",
			a->who);
}

int assuan_receive(struct assuan *a, struct secret *s, int64_t deadline, struct assuan_reply *r,
		   struct failure *f)
{
	unsigned lines;
	char *line;
	int done = 0;

	memset(r, 0, sizeof(*r));
	if (s)
		s->n = 0;
	for (lines = 0; done == 0; lines++) {
		line = assuan_next_line(a, deadline, f);
		if (!line)
			done = -1;
		else if (lines == ASSUAN_LINES_MAX)
			done = fail_set(f, FAIL_TOO_LARGE, NULL, "%s writes without an end",
					a->who);
		else
			done = reply_take_line(a, line, s, r, f);
		if (line)
			io_wipe(line, strlen(line));
	}
	if (s && (done < 0 || !r->ok)) {
		io_wipe(s->p, s->room);
		s->n = 0;
	}
	return done < 0 ? -1 : 0;
}
