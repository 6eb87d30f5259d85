/*
 * client/common/terminal.c - questions to the person at /dev/tty.
 */
#include "client/common/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/secret.h"
#include "client/common/terminal_line.h"
#include "client/common/terminal_page.h"
#include "client/common/terminal_secret.h"
#include "start/terminal.h"

bool terminal_asks(void)
{
	return isatty(STDIN_FILENO) && terminal_exists();
}

/* Where two programs of a pipeline ask, the second waits for the first. */
static int terminal_open_patiently(struct failure *f)
{
	int fd = terminal_open(TERMINAL_PATIENCE_MS);

	if (fd < 0)
		terminal_fail("scripts: --passphrase-fd N for a passphrase, standard input for a "
			      "key",
			      f);
	return fd;
}

int terminal_secret_on(int fd, const char *prompt, struct secret *s, struct failure *f)
{
	return terminal_secret_ask(fd, false, prompt, NULL, s, f);
}

int terminal_secret(const char *prompt, struct secret *s, struct failure *f)
{
	int fd = terminal_open_patiently(f), r;

	if (fd < 0)
		return -1;
	r = terminal_secret_ask(fd, true, prompt, NULL, s, f);
	close(fd);
	return r;
}

int terminal_line(const char *prompt, char *out, size_t size, struct failure *f)
{
	int fd = terminal_open_patiently(f), r;

	if (fd < 0)
		return -1;
	r = terminal_line_on(fd, prompt, out, size, f);
	close(fd);
	return r;
}

int terminal_yes(const char *question, bool *yes, struct failure *f)
{
	char prompt[512], answer[16];

	snprintf(prompt, sizeof(prompt), "%s [y/N] ", question);
	*yes = false;
	if (terminal_line(prompt, answer, sizeof(answer), f) != 0)
		return -1;
	*yes = strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
	return 0;
}

void terminal_say(const char *fmt, ...)
{
	char text[2048];
	int fd = terminal_open_patiently(NULL), n;
	va_list ap;

	if (fd < 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	if (n >= 0) {
		fail_sanitize(text);
		strcat(text, "\n");
		terminal_write(fd, text);
	}
	close(fd);
}

int terminal_show(const struct terminal_page *page, struct secret *s, struct failure *f)
{
	int fd, r;

	if (terminal_page_require(page->what, f) != 0)
		return -1;
	fd = terminal_open_patiently(f);
	if (fd < 0)
		return -1;
	r = terminal_secret_ask(fd, true, NULL, page, s, f);
	io_wipe(s->p, s->room);
	s->n = 0;
	close(fd);
	return r;
}
