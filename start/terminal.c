/*
 * start/terminal.c - whether a person can be asked.
 */
#include "start/terminal.h"

#include <fcntl.h>
#include <unistd.h>

bool terminal_available(void)
{
	int fd;

	if (!isatty(STDERR_FILENO))
		return false;
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}
