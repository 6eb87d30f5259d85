/*
 * client/common/terminal_watch.c - reads of a terminal, as inotify tells of them.
 */
#include "client/common/terminal_watch.h"

#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"

#define CONSOLES 4 /* major numbers: consoles and serial lines */
#define PTS 136
#define SERIAL 64 /* the first serial line's minor number */

/* The terminal's own name: fd says /dev/tty. */
static bool terminal_name(int fd, char *out, size_t size)
{
	unsigned n = 0, kind, number;
	struct stat st;

	if (ioctl(fd, TIOCGDEV, &n) != 0)
		return false;
	/* As proc(5) has it for tty_nr. */
	kind = n >> 8 & 0xfff;
	number = (n & 0xff) | (n >> 12 & 0xfff00);
	if (kind == PTS)
		snprintf(out, size, "/dev/pts/%u", number);
	else if (kind == CONSOLES && number < SERIAL)
		snprintf(out, size, "/dev/tty%u", number);
	else if (kind == CONSOLES)
		snprintf(out, size, "/dev/ttyS%u", number - SERIAL);
	else
		return false;
	return stat(out, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) == kind &&
	       minor(st.st_rdev) == number;
}

/* Whose file it is may have said that nobody reads it, which keeps no reader from reading on. */
static bool terminal_make_readable(const char *name)
{
	int error = errno;
	struct stat st;
	bool yes = stat(name, &st) == 0 && chmod(name, (st.st_mode & 07777) | S_IRUSR) == 0;

	errno = error;
	return yes;
}

int terminal_watch(int fd)
{
	char name[64];
	int watch, error;

	errno = ENOTTY;
	if (!terminal_name(fd, name, sizeof(name)))
		return -1;
	watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch < 0)
		return -1;
	if (inotify_add_watch(watch, name, IN_ACCESS) >= 0 ||
	    (errno == EACCES && terminal_make_readable(name) &&
	     inotify_add_watch(watch, name, IN_ACCESS) >= 0))
		return watch;
	error = errno;
	close(watch);
	errno = error;
	return -1;
}

bool terminal_is_watched(void)
{
	return control_active(CONTROL_TERMINAL_WATCHED);
}

bool terminal_was_read(int watch)
{
	char event[sizeof(struct inotify_event)];

	return terminal_is_watched() && watch >= 0 && read(watch, event, sizeof(event)) > 0;
}

int terminal_fail_read(struct failure *f)
{
	return fail_set(f, FAIL_CHANGED,
			"open another terminal; if you typed much of it, change the passphrase",
			"another program reads this terminal: nothing that you typed was used");
}

int terminal_fail_held(struct failure *f)
{
	return fail_set(f, FAIL_CHANGED,
			"open another terminal; if you typed much of it, change the passphrase",
			"this program was stopped while it asked, and another one could read what "
			"you typed: nothing was used");
}

int terminal_fail_unended(struct failure *f)
{
	return fail_set(
		f, FAIL_CHANGED,
		"was it Ctrl-D?  If not: another program cut it off, and may have the rest; "
		"open another terminal, and change the passphrase",
		"the line ended without Enter: nothing was used");
}
