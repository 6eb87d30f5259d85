/*
 * client/common/output.c - messages on standard error, data on standard output.
 */
#include "client/common/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/utf8.h"
#include "display/text.h"

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
	fail_sanitize(text);
	fprintf(stderr, "ccctl: %s\n", text);
	free(text);
}

void put_plain(const char *text)
{
	size_t n = strlen(text);
	unsigned len;
	uint32_t c;

	/* As fail_sanitize, without a copy: a text is not left out for want of memory. */
	for (; n; text += len, n -= len) {
		len = utf8_decode(text, n, &c);
		if (len && utf8_misleads(c)) {
			putchar('?');
			continue;
		}
		len = len ? len : 1;
		fwrite(text, 1, len, stdout);
	}
}

void put_foreign(const char *text)
{
	char clean[1024];

	clean_foreign(text, clean, sizeof(clean));
	fputs(clean, stdout);
}

void clean_foreign(const char *text, char *out, size_t size)
{
	display_clean(text, strlen(text), out, size);
}

/* Of standard output, if that is a terminal; else zeros. */
static struct winsize terminal_size(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		memset(&size, 0, sizeof(size));
	return size;
}

int terminal_width(void)
{
	return terminal_size().ws_col;
}

int terminal_rows(void)
{
	return terminal_size().ws_row;
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
