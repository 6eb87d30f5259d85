/*
 * client/common/terminal_line.c - reading a line, as the terminal edits it.
 */
#include "client/common/terminal_line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"

#define PATIENCE_MS 10000

void terminal_write(int fd, const char *text)
{
	io_write_all(fd, text, strlen(text), clock_now_ms() + PATIENCE_MS);
}

int terminal_line_on(int fd, const char *prompt, char *out, size_t size, struct failure *f)
{
	char shown[1024], c;
	size_t n = 0;
	ssize_t r;

	snprintf(shown, sizeof(shown), "%s", prompt);
	fail_sanitize(shown);
	terminal_write(fd, shown);
	for (;;) {
		do
			r = read(fd, &c, 1);
		while (r < 0 && errno == EINTR);
		if (r <= 0 || c == '\n')
			break;
		if (n + 1 < size)
			out[n++] = c;
	}
	out[n] = '\0';
	if (r < 0)
		return fail_errno(f, NULL, "terminal");
	if (r == 0)
		terminal_write(fd, "\n");
	if (r == 0 && n == 0)
		return fail_set(f, FAIL_USAGE, NULL, "no answer: the input ended");
	return 0;
}
