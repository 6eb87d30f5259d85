/*
 * tests/instead/start/console_vt.c - a console that a test plays: where there are files of logind's
 * in $XDG_RUNTIME_DIR/ccrun/log-ins, each terminal is the console tty1.  (A helper's cage leaves it
 * that directory to read, as it does logind's.)
 */
#include "start/console_vt.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *console_log_ins(void)
{
	static char dir[4096];
	const char *run = getenv("XDG_RUNTIME_DIR");

	snprintf(dir, sizeof(dir), "%s/ccrun/log-ins", run ? run : "");
	return dir;
}

unsigned console_vt(int fd)
{
	return isatty(fd) && access(console_log_ins(), F_OK) == 0;
}

bool console_vt_is_usual(int fd)
{
	(void)fd;
	return true;
}
