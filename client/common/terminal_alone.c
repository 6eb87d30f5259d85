/*
 * client/common/terminal_alone.c - exclusive use of a terminal, and who has it open already.
 */
#include "client/common/terminal_alone.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/proc.h"
#include "client/common/terminal_line.h"
#include "client/common/terminal_page.h"
#include "client/common/terminal_readers.h"
#include "start/terminal_holder.h"

#define READERS_MAX 8 /* named at once */
#define ACCEPTED_MAX 32

/* What the person was asked about; a question with two prompts asks once. */
static struct terminal_reader accepted[ACCEPTED_MAX];
static unsigned accepted_count;

static struct terminal_reader reader[READERS_MAX];
static unsigned readers;

/* There were too many processes to look at all; and whether the person was asked about that. */
static bool unseen, unseen_accepted;

static bool seized; /* by this process, which asks at one terminal at a time */

bool terminal_seize(int fd, bool *was_seized)
{
	bool anothers;
	int was;

	terminal_call_self(TERMINAL_TAKES);
	*was_seized = ioctl(fd, TIOCGEXCL, &was) == 0 && was;
	if (control_active(CONTROL_TERMINAL_ALONE))
		seized = ioctl(fd, TIOCEXCL) == 0;
	anothers = terminal_is_anothers(was_seized);
	terminal_call_self(anothers ? TERMINAL_WAITS : NULL);
	seized = seized && !anothers;
	return !anothers;
}

void terminal_reopen(int fd, bool was_seized)
{
	if (was_seized)
		return;
	ioctl(fd, TIOCNXCL);
	seized = false;
}

bool terminal_is_lost(int fd)
{
	int held = 0;

	/* One that was hung up says so when it is read. */
	return seized && ioctl(fd, TIOCGEXCL, &held) == 0 && !held;
}

int terminal_fail_altered(struct failure *f)
{
	return fail_set(f, FAIL_CHANGED,
			"open another terminal; if you typed much of it, change the passphrase",
			"another program altered this terminal while you typed: nothing was used");
}

/* ---- after SIGKILL ---- */

static struct {
	int fd;
	bool seized;
	struct termios modes;
} guarded = { .fd = -1 };

static void guard_restore(void)
{
	/* In the background the terminal is the shell's, which has set it as it likes.  What was
	 * typed so far would be a command there, and in its history. */
	if (tcgetpgrp(guarded.fd) == getpgrp())
		tcsetattr(guarded.fd, TCSAFLUSH, &guarded.modes);
	terminal_page_leave(guarded.fd);
	terminal_reopen(guarded.fd, guarded.seized);
}

void terminal_guard(void)
{
	struct terminal_asker who;
	int was = 0;

	guarded.fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	/* Left by one that was killed, and mended with the first question.  Where one asks now,
	 * its echo is off: that is not to be restored. */
	if (guarded.fd < 0 && errno == EBUSY &&
	    terminal_holder_find(false, &who) == TERMINAL_HELD_BY_NONE)
		guarded.fd = fcntl(terminal_inherited(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (guarded.fd < 0 || tcgetattr(guarded.fd, &guarded.modes) != 0)
		return;
	guarded.seized = ioctl(guarded.fd, TIOCGEXCL, &was) == 0 && was;
	terminal_page_guard();
	proc_on_killed(guard_restore);
}

/* ---- who has it open ---- */

static bool reader_is_accepted(const struct terminal_reader *r)
{
	unsigned i;

	for (i = 0; i < accepted_count; i++)
		if (accepted[i].pid == r->pid && accepted[i].start == r->start)
			return true;
	return false;
}

bool terminal_is_shared(int fd, bool (*stop)(void *arg), void *arg)
{
	/* Room for those that were accepted, too, which are found again. */
	struct terminal_reader found[ACCEPTED_MAX + READERS_MAX];
	unsigned n, i;
	bool whole;

	n = terminal_readers_find(fd, found, ACCEPTED_MAX + READERS_MAX, stop, arg, &whole);
	if (stop(arg))
		return false;
	unseen = !whole && !unseen_accepted;

	readers = 0;
	for (i = 0; i < n && readers < READERS_MAX; i++)
		if (!reader_is_accepted(&found[i]))
			reader[readers++] = found[i];
	return (readers > 0 || unseen) && control_active(CONTROL_TERMINAL_READERS);
}

static void readers_name(int fd)
{
	char text[256];
	unsigned i;

	for (i = 0; i < readers; i++) {
		snprintf(text, sizeof(text),
			 "%s (pid %d)%s has this terminal open too and could read what you type",
			 reader[i].name, (int)reader[i].pid,
			 reader[i].marked ? ", which a session started," : "");
		fail_sanitize(text);
		dprintf(fd, "ccctl: %s\n", text);
	}
	if (readers > 0)
		dprintf(fd, "hint: end it (kill %d), or open another terminal\n",
			(int)reader[0].pid);
	if (unseen)
		dprintf(fd, "ccctl: there are too many processes to see who else has this terminal "
			    "open and could read what you type\n"
			    "hint: open another terminal, or end some of them\n");
}

static int readers_decline(struct failure *f)
{
	if (readers == 0)
		return fail_set(f, FAIL_DECLINED, "open another terminal, or end some of them",
				"nothing was asked: there are too many processes to see who has "
				"this terminal open");
	fail_set(f, FAIL_DECLINED, NULL, "nothing was asked: %s (pid %d) has this terminal open",
		 reader[0].name, (int)reader[0].pid);
	fail_hint(f, "end it (kill %d), or open another terminal", (int)reader[0].pid);
	return -1;
}

int terminal_ask_about_readers(int fd, struct failure *f)
{
	/* A session can start so many. */
	bool marked = unseen, yes;
	char answer[16];
	unsigned i;

	for (i = 0; i < readers; i++)
		marked = marked || reader[i].marked;
	readers_name(fd);
	if (terminal_line_on(fd,
			     marked ? "Type it here all the same? Only \"yes\" will do: "
				    : "Type it here all the same? [y/N] ",
			     answer, sizeof(answer), f) != 0)
		return -1;
	yes = strcasecmp(answer, "yes") == 0 || (!marked && strcasecmp(answer, "y") == 0);
	if (!yes || accepted_count + readers > ACCEPTED_MAX)
		return readers_decline(f);
	for (i = 0; i < readers; i++)
		accepted[accepted_count++] = reader[i];
	unseen_accepted = unseen_accepted || unseen;
	return 0;
}
