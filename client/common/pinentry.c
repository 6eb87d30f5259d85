/*
 * client/common/pinentry.c - runs pinentry for one question.
 *
 * MUST: the answer comes over a socket, which no other process can open through
 * /proc/PID/fd, into locked memory; after it, also when it was killed, the
 * terminal is as before.
 */
#include "client/common/pinentry.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/spawn.h"
#include "base/tty_keys.h"
#include "base/utf8.h"
#include "client/common/assuan.h"
#include "client/common/compositor.h"
#include "client/common/pinentry_environment.h"
#include "client/common/secret.h"
#include "client/common/terminal_alone.h"
#include "client/common/terminal_readers.h"
#include "start/console.h"
#include "start/terminal.h"
#include "start/terminal_drop.h"

#define COMMAND_PATIENCE_MS 10000 /* all but the question itself */
#define END_PATIENCE_MS 2000
#define TEXT_MAX ASSUAN_LINE
/* gpg-error's codes, in the lower half. */
#define GPG_TIMEOUT 62
#define GPG_CANCELED 99
#define GPG_NOT_CONFIRMED 114
#define GPG_FULLY_CANCELED 198

struct pinentry_run {
	struct assuan assuan;
	pid_t pid;
	int tty; /* the terminal, or -1 */
	struct console console;
	bool has_modes;
	struct termios modes;  /* before */
	struct termios asking; /* while pinentry asks */
	bool holds;	       /* we seized the terminal: pinentry has it open */
	bool seized;	       /* it was seized before */
	bool shared;	       /* and another process reads it */
	struct sigaction old[5];
};

static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
#define CAUGHT (sizeof(caught) / sizeof(caught[0]))
#define STOP 4 /* SIGTSTP's place */

static volatile sig_atomic_t came[CAUGHT];

static void pinentry_note_signal(int sig)
{
	unsigned i;

	for (i = 0; i < CAUGHT; i++)
		if (caught[i] == sig)
			came[i] = 1;
}

bool pinentry_possible(void)
{
	return pinentry_has_display() || terminal_exists();
}

/* ---- the process ---- */

static int pinentry_start(struct pinentry_run *r, const char *program, struct failure *f)
{
	const char *argv[] = { "pinentry", NULL };
	struct spawn s = { .path = program,
			   .argv = argv,
			   .close_others = true,
			   .all_defaults = true,
			   .unblocked = true,
			   .death_signal = SIGTERM,
			   .dir = "/",
			   .deadline = clock_now_ms() + COMMAND_PATIENCE_MS };
	char compositor[COMPOSITOR_PATH];
	int pair[2], window;

	if (compositor_connect(compositor, &window, f) != 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		fail_errno(f, NULL, "socketpair");
		if (window >= 0)
			close(window);
		return -1;
	}
	s.env = pinentry_environment(window < 0 ? NULL : compositor);
	s.fd[0] = (struct spawn_fd){ 0, pair[1] };
	s.fd[1] = (struct spawn_fd){ 1, pair[1] };
	s.fd[2] = (struct spawn_fd){ 2, SPAWN_NULL };
	s.fd[3] = (struct spawn_fd){ PINENTRY_WINDOW_FD, window };
	s.fds = window < 0 ? 3 : 4;
	r->pid = spawn_start(&s);
	if (r->pid < 0)
		fail_errno(f, "install pinentry, or name another: ccrun.conf(5)", "run %s",
			   program);
	close(pair[1]);
	if (window >= 0)
		close(window);
	r->assuan.fd = pair[0];
	return r->pid < 0 ? -1 : 0;
}

static void pinentry_hold_signals(struct pinentry_run *r)
{
	struct sigaction sa = { .sa_handler = pinentry_note_signal, .sa_flags = SA_RESTART };
	unsigned i;

	for (i = 0; i < CAUGHT; i++) {
		came[i] = 0;
		sigaction(caught[i], &sa, &r->old[i]);
	}
}

static void pinentry_let_go(struct pinentry_run *r)
{
	if (r->holds)
		terminal_reopen(r->tty, r->seized);
	r->holds = false;
}

static bool pinentry_is_interrupted(void *arg)
{
	unsigned i;

	(void)arg;
	for (i = 0; i < CAUGHT; i++)
		if (came[i])
			return true;
	return false;
}

/* End it, put the terminal in order, and let the signals have their way that came. */
static int pinentry_stop(struct pinentry_run *r, int ret, struct failure *f)
{
	bool end = false;
	unsigned i;
	int status;

	if (r->assuan.fd >= 0)
		close(r->assuan.fd);
	if (r->pid > 0 && (ret == 0 ? 0 : kill(r->pid, SIGTERM)) == 0 &&
	    spawn_wait_until(r->pid, clock_now_ms() + END_PATIENCE_MS, &status) != 0) {
		kill(r->pid, SIGKILL);
		spawn_wait(r->pid, &status);
	}
	assuan_end(&r->assuan);
	/* What was typed for one that was killed must not go to the shell, nor what is typed yet. */
	if (r->holds && ret != 0 && tcgetpgrp(r->tty) == getpgrp() &&
	    (f->code == FAIL_CHANGED || f->code == FAIL_SYSTEM))
		terminal_drop_typing(r->tty, "ccctl", pinentry_is_interrupted, NULL);
	if (r->has_modes && tcgetpgrp(r->tty) == getpgrp())
		tcsetattr(r->tty, ret == 0 ? TCSADRAIN : TCSAFLUSH, &r->modes);
	pinentry_let_go(r);
	if (r->tty >= 0)
		close(r->tty);
	for (i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &r->old[i], NULL);
	for (i = 0; i < STOP; i++) {
		end = end || came[i];
		if (came[i])
			raise(caught[i]);
	}
	return end ? fail_set(f, FAIL_USAGE, NULL, "interrupted") : ret;
}

/* Ctrl-Z.  The shell that gets the terminal now must find it open; and pinentry-tty, when it
 * goes on, does not turn the echo off again. */
static void pinentry_suspend(struct pinentry_run *r)
{
	bool held = r->holds;

	pinentry_let_go(r);
	came[STOP] = 0;
	raise(SIGSTOP);
	if (held && tcgetpgrp(r->tty) == getpgrp())
		tcsetattr(r->tty, TCSAFLUSH, &r->asking);
}

/*
 * The terminal that pinentry asks on.  It sets the terminal as it likes, but never so that
 * its own reading waits for many bytes while another's takes them.
 */
static int pinentry_check_terminal(struct pinentry_run *r, struct failure *f)
{
	struct termios now;

	/* Also on a display: what it asks on is not known before it opens the terminal. */
	if (console_check(&r->console, f) != 0)
		return -1;
	if (!r->holds)
		return 0;
	if (terminal_is_lost(r->tty) ||
	    (tcgetattr(r->tty, &now) == 0 && !(now.c_lflag & ICANON) && now.c_cc[VMIN] > 1))
		return terminal_fail_altered(f);
	return 0;
}

/* While the person is asked.  pinentry opens the terminal itself: then it is seized. */
static int pinentry_idle(void *arg, struct failure *f)
{
	struct pinentry_run *r = arg;
	unsigned i;

	for (i = 0; i < STOP; i++)
		if (came[i])
			return fail_set(f, FAIL_USAGE, NULL, "interrupted");
	if (came[STOP]) {
		pinentry_suspend(r);
		return 0;
	}
	if (pinentry_check_terminal(r, f) != 0)
		return -1;
	if (r->holds)
		tcgetattr(r->tty, &r->asking);
	if (r->tty < 0 || r->holds || !terminal_reader_is(r->tty, r->pid))
		return 0;
	if (!terminal_seize(r->tty, &r->seized)) {
		/* It has its modes. */
		r->has_modes = false;
		return fail_set(f, FAIL_BUSY, "answer it, then the same command again",
				"another program asks for a secret on this terminal");
	}
	r->holds = true;
	tcgetattr(r->tty, &r->asking);
	r->shared = terminal_is_shared(r->tty, pinentry_is_interrupted, NULL);
	return r->shared ? fail_set(f, FAIL_DECLINED, NULL, "the terminal is shared") : 0;
}

/* ---- what is said ---- */

static int pinentry_fail(const char *program, const struct assuan_reply *a, struct failure *f)
{
	switch (a->code & 0xffff) {
	case GPG_CANCELED:
	case GPG_FULLY_CANCELED:
	case GPG_NOT_CONFIRMED:
		return fail_set(f, FAIL_DECLINED, NULL, "cancelled: nothing was typed");
	case GPG_TIMEOUT:
		return fail_set(f, FAIL_TIMEOUT, NULL, "nobody answered");
	}
	return fail_set(f, FAIL_PROGRAM, "does it work by itself?  echo GETPIN | pinentry",
			"%s: %.120s (%lu)", program, a->text[0] ? a->text : "it failed", a->code);
}

/* needed: what it cannot do is a failure. */
static int pinentry_command(struct pinentry_run *r, const char *command, const char *text,
			    bool needed, struct failure *f)
{
	struct assuan_reply a;

	if (assuan_send(&r->assuan, command, text, f) != 0 ||
	    assuan_receive(&r->assuan, NULL, clock_now_ms() + COMMAND_PATIENCE_MS, &a, f) != 0)
		return -1;
	return a.ok || !needed ? 0 : pinentry_fail(r->assuan.who, &a, f);
}

static int pinentry_option(struct pinentry_run *r, const char *name, const char *value,
			   struct failure *f)
{
	char option[TEXT_MAX];

	if (!value || !*value)
		return 0;
	snprintf(option, sizeof(option), "%s=%s", name, value);
	return pinentry_command(r, "OPTION", option, false, f);
}

/* The first of these that is set, as setlocale(3) looks for it. */
static const char *locale_of(const char *category)
{
	const char *names[] = { "LC_ALL", category, "LANG" }, *value = NULL;
	unsigned i;

	for (i = 0; i < 3 && !(value && *value); i++)
		value = getenv(names[i]);
	return value;
}

static bool locale_is_utf8(void)
{
	const char *locale = locale_of("LC_CTYPE");

	return locale && (strcasestr(locale, "utf-8") || strcasestr(locale, "utf8"));
}

/*
 * A text for the person.  A window's toolkit takes "<" or "&" for markup; and where the locale
 * is not UTF-8, a pinentry on the terminal does not ask at all with what it cannot convert.
 */
static int pinentry_text(struct pinentry_run *r, const char *command, const char *text, bool needed,
			 struct failure *f)
{
	char shown[TEXT_MAX], *to = shown;
	bool utf8 = locale_is_utf8();

	for (; *text && to < shown + sizeof(shown) - 1; text++)
		if (!utf8 && utf8_is_continuation(*text))
			continue;
		else if (*text == '<' || *text == '&' || (!utf8 && (*text & 0x80)))
			*to++ = '?';
		else
			*to++ = *text;
	*to = '\0';
	return pinentry_command(r, command, shown, needed, f);
}

static int pinentry_introduce(struct pinentry_run *r, const struct pinentry *p, struct failure *f)
{
	struct assuan_reply a;

	if (assuan_receive(&r->assuan, NULL, clock_now_ms() + COMMAND_PATIENCE_MS, &a, f) != 0)
		return -1;
	if (!a.ok)
		return pinentry_fail(p->program, &a, f);
	if (r->tty >= 0 && (pinentry_option(r, "ttyname", "/dev/tty", f) != 0 ||
			    pinentry_option(r, "ttytype", getenv("TERM"), f) != 0))
		return -1;
	if (pinentry_option(r, "lc-ctype", locale_of("LC_CTYPE"), f) != 0 ||
	    pinentry_option(r, "lc-messages", locale_of("LC_MESSAGES"), f) != 0 ||
	    pinentry_command(r, "SETTITLE", "ccrun", false, f) != 0 ||
	    pinentry_text(r, "SETDESC", p->description, true, f) != 0)
		return -1;
	if (p->prompt && pinentry_text(r, "SETPROMPT", p->prompt, true, f) != 0)
		return -1;
	if (p->error && pinentry_text(r, "SETERROR", p->error, false, f) != 0)
		return -1;
	if (p->repeat && (pinentry_text(r, "SETREPEAT", p->repeat, false, f) != 0 ||
			  pinentry_command(r, "SETREPEATERROR", "The two differ", false, f) != 0))
		return -1;
	return 0;
}

/* Open the terminal, if there is one, and see to it that there is something to ask on. */
static int pinentry_open_terminal(struct pinentry_run *r, struct failure *f)
{
	struct termios usual;

	r->tty = terminal_open(pinentry_has_display() ? 0 : TERMINAL_PATIENCE_MS);
	if (r->tty < 0 && !pinentry_has_display() && errno == EBUSY)
		return terminal_fail(NULL, f);
	if (r->tty < 0 && !pinentry_has_display())
		return fail_set(f, FAIL_USAGE, "scripts: --passphrase-fd N for a passphrase",
				"pinentry cannot ask: there is neither a terminal nor a display");
	if (r->tty >= 0 && console_begin(&r->console, r->tty, f) != 0)
		return -1;
	r->has_modes = r->tty >= 0 && tcgetattr(r->tty, &r->modes) == 0;
	usual = r->modes;
	tty_keys_mend(&usual);
	/* pinentry takes what it does not set from what it finds. */
	if (r->has_modes && tcgetpgrp(r->tty) == getpgrp())
		tcsetattr(r->tty, TCSADRAIN, &usual);
	return 0;
}

/* One run.  *again: another process reads the terminal, of which the person is to be told. */
static int pinentry_ask_once(const struct pinentry *p, const char *command, struct secret *s,
			     struct assuan_reply *a, bool *again, struct failure *f)
{
	struct pinentry_run r = { .assuan = { .fd = -1, .who = p->program }, .pid = -1 };
	int ret = -1;

	*again = false;
	pinentry_hold_signals(&r);
	if (pinentry_open_terminal(&r, f) == 0 && assuan_begin(&r.assuan, f) == 0 &&
	    pinentry_start(&r, p->program, f) == 0 && pinentry_introduce(&r, p, f) == 0) {
		r.assuan.idle = pinentry_idle;
		r.assuan.arg = &r;
		if (assuan_send(&r.assuan, command, NULL, f) == 0)
			ret = assuan_receive(&r.assuan, s, INT64_MAX, a, f);
		r.assuan.idle = NULL;
		if (ret == 0 && pinentry_check_terminal(&r, f) != 0) {
			if (s) {
				io_wipe(s->p, s->room);
				s->n = 0;
			}
			ret = -1;
		}
		if (ret == 0)
			assuan_send(&r.assuan, "BYE", NULL, NULL);
	}
	*again = r.shared;
	return pinentry_stop(&r, ret, f);
}

static int pinentry_ask(const struct pinentry *p, const char *command, struct secret *s,
			struct assuan_reply *a, struct failure *f)
{
	bool again;
	int r, tty;

	do {
		r = pinentry_ask_once(p, command, s, a, &again, f);
		if (!again)
			return r;
		tty = terminal_open(TERMINAL_PATIENCE_MS);
		r = tty < 0 ? terminal_fail(NULL, f) : terminal_ask_about_readers(tty, f);
		if (tty >= 0)
			close(tty);
	} while (r == 0);
	return -1;
}

int pinentry_secret(const struct pinentry *p, struct secret *s, bool *repeated, struct failure *f)
{
	struct assuan_reply a;

	if (pinentry_ask(p, "GETPIN", s, &a, f) != 0)
		return -1;
	if (repeated)
		*repeated = a.repeated;
	return a.ok ? 0 : pinentry_fail(p->program, &a, f);
}

int pinentry_confirm(const struct pinentry *p, bool *yes, struct failure *f)
{
	struct assuan_reply a;

	*yes = false;
	if (pinentry_ask(p, "CONFIRM", NULL, &a, f) != 0)
		return -1;
	*yes = a.ok;
	if (a.ok || pinentry_fail(p->program, &a, f) == 0 || f->code == FAIL_DECLINED)
		return 0;
	return -1;
}
