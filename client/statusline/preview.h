/*
 * client/statusline/preview.h - ccctl statusline preview.
 */
#ifndef CLIENT_STATUSLINE_PREVIEW_H
#define CLIENT_STATUSLINE_PREVIEW_H

struct failure;

struct preview {
	const char *columns; /* a number, or NULL */
	const char *input;   /* a file, "-" for standard input, or NULL for samples */
};

/*
 * Run this installation's ccrun-statusline on samples of what Claude Code writes to
 * it, or on p->input, and print what it prints.  The exit code or -1.
 */
int statusline_preview(const struct preview *p, struct failure *f);

#endif
