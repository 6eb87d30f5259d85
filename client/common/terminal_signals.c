/*
 * client/common/terminal_signals.c - signals while a terminal is without echo.
 */
#include "client/common/terminal_signals.h"

#include "base/fail.h"

/* Signals that would end or stop the process with echo off, and SIGCONT, after which
 * the question is asked again. */
static const int caught[TERMINAL_SIGNALS] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };

static volatile sig_atomic_t came[TERMINAL_SIGNALS];

static void terminal_note_signal(int sig)
{
	unsigned i;

	for (i = 0; i < TERMINAL_SIGNALS; i++)
		if (caught[i] == sig)
			came[i] = 1;
}

bool terminal_signals_came(void)
{
	unsigned i;

	for (i = 0; i < TERMINAL_SIGNALS; i++)
		if (came[i])
			return true;
	return false;
}

void terminal_signals_hold(struct terminal_signals *s)
{
	struct sigaction sa = { .sa_handler = terminal_note_signal };
	sigset_t set;
	unsigned i;

	sigemptyset(&set);
	for (i = 0; i < TERMINAL_SIGNALS; i++) {
		came[i] = 0;
		sigaddset(&set, caught[i]);
	}
	sigprocmask(SIG_BLOCK, &set, &s->mask);
	for (i = 0; i < TERMINAL_SIGNALS; i++)
		sigaction(caught[i], &sa, &s->old[i]);
}

void terminal_signals_release(const struct terminal_signals *s)
{
	unsigned i;

	for (i = 0; i < TERMINAL_SIGNALS; i++)
		sigaction(caught[i], &s->old[i], NULL);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

bool terminal_signals_continue_pending(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && sigismember(&set, SIGCONT) == 1;
}

bool terminal_signals_pending(void *s)
{
	const struct terminal_signals *held = s;
	sigset_t set;
	unsigned i;

	if (sigpending(&set) != 0)
		return false;
	for (i = 0; i < TERMINAL_SIGNALS; i++)
		if (caught[i] != SIGCONT && sigismember(&set, caught[i]) == 1 &&
		    sigismember(&held->mask, caught[i]) == 0)
			return true;
	return false;
}

bool terminal_signals_only_continued(void)
{
	bool continued = terminal_signals_continue_pending(), other = false;
	unsigned i;

	for (i = 0; i < TERMINAL_SIGNALS; i++) {
		if (caught[i] == SIGCONT)
			continued = continued || came[i];
		else
			other = other || came[i];
	}
	return continued && !other;
}

int terminal_signals_obey(bool continued, struct failure *f)
{
	bool end = false;
	unsigned i;

	for (i = 0; i < TERMINAL_SIGNALS; i++) {
		if (!came[i] || caught[i] == SIGCONT)
			continue;
		/* SIGCONT came after it: it is out of date. */
		if (caught[i] == SIGTSTP && continued)
			continue;
		end = end || caught[i] != SIGTSTP;
		raise(caught[i]);
	}
	return end ? fail_set(f, FAIL_USAGE, NULL, "interrupted") : 0;
}
