/*
 * client/common/terminal_secret.c - asking for a secret without echo.
 *
 * MUST: read a secret straight into its locked buffer; restore echo, and open the terminal to
 * others again, on every path; discard input beyond the answer, so that the rest of a pasted key
 * never reaches the shell.
 */
#include "client/common/terminal_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/tty_keys.h"
#include "base/utf8.h"
#include "client/common/secret.h"
#include "client/common/terminal_alone.h"
#include "client/common/terminal_held.h"
#include "client/common/terminal_input.h"
#include "client/common/terminal_line.h"
#include "client/common/terminal_page.h"
#include "client/common/terminal_signals.h"
#include "client/common/terminal_watch.h"
#include "start/console.h"
#include "start/terminal.h"
#include "start/terminal_drop.h"

#define WATCH_MS CONSOLE_LOOK_MS /* how often the terminal is looked at while a secret is typed */

/* A terminal without echo, and the signals held. */
struct hush {
	int fd;
	struct termios was;
	struct termios usual; /* with keys that are no part of a secret */
	struct termios quiet; /* while the secret is typed */
	struct terminal_signals signals;
	struct terminal_held held;
	bool own;			  /* nobody else has this open file: it may be O_NONBLOCK */
	bool seized;			  /* by somebody, before */
	bool anothers;			  /* to ask on, before us */
	bool stop;			  /* Ctrl-Z was typed */
	bool background;		  /* we stopped ourselves there */
	const struct terminal_page *page; /* shown instead of a prompt, or NULL */
	int watch;			  /* terminal_watch; -1: none */
	struct console console;
	struct terminal_input *input; /* while it is read */
	bool bytes;		      /* a line that is longer than a terminal's */
};

static int hush_echo_off(struct hush *h, struct failure *f)
{
	struct termios *quiet = &h->quiet;
	int r;

	if (tcgetattr(h->fd, &h->was) != 0)
		return fail_errno(f, NULL, "terminal");
	h->usual = h->was;
	tty_keys_mend(&h->usual);
	*quiet = h->usual;
	quiet->c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL | EXTPROC);
	/* terminal_input.h */
	quiet->c_lflag |= ISIG | ICANON;
	if (h->bytes)
		quiet->c_lflag &= ~(tcflag_t)ICANON;
	quiet->c_iflag |= ICRNL | IUTF8;
	/* Ctrl-Z would stop the parent (ccrun) at once, and the shell would take the
	 * terminal back while echo is still off.  Have it end the line, restore echo, then stop
	 * the process group. */
	quiet->c_cc[VEOL] = quiet->c_cc[VSUSP];
	quiet->c_cc[VEOL2] = _POSIX_VDISABLE;
	quiet->c_cc[VMIN] = 1;
	quiet->c_cc[VTIME] = 0;
	quiet->c_cc[VSUSP] = _POSIX_VDISABLE;
	do
		r = tcsetattr(h->fd, TCSAFLUSH, quiet);
	while (r != 0 && errno == EINTR && !terminal_signals_came());
	if (r != 0 && errno != EINTR)
		return fail_errno(f, NULL, "terminal: echo off");
	return 0;
}

static void hush_echo_back(struct hush *h)
{
	int r;

	do
		r = tcsetattr(h->fd, TCSAFLUSH, &h->was);
	while (r != 0 && errno == EINTR);
}

/* Remove the last UTF-8 character. */
static void hush_erase_character(struct secret *s)
{
	while (s->n > 0) {
		s->n--;
		if (!utf8_is_continuation((char)s->p[s->n]))
			break;
	}
}

enum typed { TYPED_MORE, TYPED_LINE, TYPED_END, TYPED_STOP };

/* Handle the byte just read into s->p[s->n]: keep it, or do what the key means.  *over:
 * there were more bytes than room; *nul: there was a NUL. */
static enum typed hush_take_byte(struct hush *h, struct secret *s, bool *over, bool *nul)
{
	uint8_t c = s->p[s->n];

	if (c == '\n')
		return TYPED_LINE;
	if (c == h->usual.c_cc[VEOF])
		return s->n == 0 ? TYPED_END : TYPED_LINE;
	if (c != '\0' && c == h->usual.c_cc[VSUSP])
		return TYPED_STOP;
	if (c == h->usual.c_cc[VERASE] || c == '\b' || c == 0x7f) {
		hush_erase_character(s);
	} else if (c == h->usual.c_cc[VKILL]) {
		s->n = 0;
		*over = *nul = false;
	} else if (c == '\0') {
		*nul = true;
	} else if (s->n + 1 < s->room) {
		s->n++;
	} else {
		*over = true;
	}
	return TYPED_MORE;
}

/* Is the terminal another's to open, or does it do with input what we did not set? */
static bool hush_is_altered(const struct hush *h)
{
	const struct termios *set = &h->quiet;
	struct termios now;

	if (terminal_is_lost(h->fd))
		return true;
	return tcgetattr(h->fd, &now) == 0 &&
	       (now.c_iflag != set->c_iflag || now.c_lflag != set->c_lflag ||
		now.c_line != set->c_line || memcmp(now.c_cc, set->c_cc, sizeof(now.c_cc)) != 0);
}

/* Wait for a byte, and take it into s->p[s->n].  1; 0: there is no more; -1 with errno, which
 * is EAGAIN when none came yet. */
static int hush_read_byte(const struct hush *h, struct secret *s)
{
	const struct timespec patience = { .tv_nsec = WATCH_MS * 1000000L }, none = { 0 };
	struct pollfd p = { .fd = terminal_input_fd(h->input), .events = POLLIN };
	int r = terminal_input_take(h->input, s->p + s->n), error = errno;
	bool waits = r < 0 && error == EAGAIN;

	/* Signals are delivered only here, so none is missed. */
	if (ppoll(&p, 1, waits ? &patience : &none, &h->signals.mask) > 0 && waits)
		return terminal_input_take(h->input, s->p + s->n);
	errno = error;
	return r;
}

/* The kernel would have stopped us for reading in the background. */
static void hush_obey_background(struct hush *h)
{
	if (tcgetpgrp(h->fd) < 0 || tcgetpgrp(h->fd) == getpgrp())
		return;
	h->background = true;
	kill(0, SIGTTIN);
}

/* 1 a line was read, 0 a signal came, -1 with f set. */
static int hush_read(struct hush *h, struct secret *s, struct failure *f)
{
	bool over = false, nul = false;
	enum typed t;
	int r, error;

	terminal_held_begin(&h->held);
	for (s->n = 0;;) {
		if (terminal_signals_came())
			return 0;
		r = hush_read_byte(h, s);
		error = errno;
		/* A shell that stopped us has set it as it likes: the question is asked again. */
		if (terminal_signals_came() || terminal_signals_continue_pending())
			continue;
		if (terminal_held_look(&h->held) && terminal_is_watched())
			return terminal_fail_held(f);
		if (hush_is_altered(h))
			return terminal_fail_altered(f);
		if (console_check(&h->console, f) != 0)
			return -1;
		if (console_came_back(&h->console))
			terminal_write(h->fd, "\nccctl: another console was in front, and what was "
					      "typed meanwhile went there; go on here: ");
		if (terminal_was_read(h->watch) || !terminal_input_is_ours(h->input))
			return terminal_fail_read(f);
		if (r < 0 && (error == EAGAIN || error == EINTR))
			continue;
		if (r < 0 && error == EIO)
			hush_obey_background(h);
		if (terminal_signals_came() || terminal_signals_continue_pending())
			continue;
		errno = error;
		if (r < 0 && error == ECANCELED)
			return terminal_fail_read(f);
		if (r < 0)
			return fail_errno(f, NULL, "terminal");
		over = over || terminal_input_was_cut(h->input);
		if (r == 0 && s->n > 0 && !over)
			return terminal_fail_unended(f);
		t = r > 0 ? hush_take_byte(h, s, &over, &nul) : s->n ? TYPED_LINE : TYPED_END;
		if (t == TYPED_END)
			return fail_set(f, FAIL_USAGE, NULL, "no answer: the input ended");
		if (t == TYPED_LINE)
			break;
		if (t == TYPED_STOP) {
			h->stop = true;
			return 0;
		}
	}
	if (over && !h->bytes && s->room > TERMINAL_LINE_MAX && terminal_input_was_cut(h->input)) {
		h->bytes = true;
		terminal_write(h->fd, "\nccctl: this is longer than a terminal's line: once more");
		return 0;
	}
	if (over)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the answer is longer than %zu bytes",
				s->room - 1);
	if (nul)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the answer has a NUL");
	return 1;
}

/* Does more than empty lines wait behind the one that was read?  That is a paste of several. */
static bool hush_has_more(struct hush *h, struct secret *s)
{
	int flags = fcntl(h->fd, F_GETFL);
	uint8_t *spare = &s->p[s->n];
	struct termios bytes = h->quiet;
	bool more = false;

	terminal_input_end(h->input);
	h->input = NULL;
	/* Also what is no whole line. */
	bytes.c_lflag &= ~(tcflag_t)ICANON;
	tcsetattr(h->fd, TCSANOW, &bytes);
	fcntl(h->fd, F_SETFL, flags | O_NONBLOCK);
	while (!more && read(h->fd, spare, 1) == 1)
		more = !strchr(" \t\r\n", *spare);
	fcntl(h->fd, F_SETFL, flags);
	*spare = 0;
	return more;
}

/* Did SIGSTOP stop us, which nobody hears of where it did not stop our parent?  Who sent it
 * had the terminal meanwhile. */
static bool hush_was_stopped(const struct hush *h)
{
	return terminal_signals_only_continued() && !h->stop && !h->background &&
	       terminal_is_watched();
}

/* Deliver the signals that came, and stop if Ctrl-Z was typed.  As terminal_signals_obey. */
static int hush_obey_signals(const struct hush *h, bool continued, struct failure *f)
{
	int r = terminal_signals_obey(continued, f);

	if (h->stop)
		kill(0, SIGTSTP);
	return r;
}

/* The prompt, and from before it a look at whoever reads the terminal too, and a reader of our
 * own, behind which they wait.  0 or -1. */
static int hush_prompt(struct hush *h, const char *prompt, struct failure *f)
{
	if (console_begin(&h->console, h->fd, f) != 0)
		return -1;
	if (h->own)
		h->watch = terminal_watch(h->fd);
	/* A session can use them up. */
	if (h->own && h->watch < 0 && (errno == EMFILE || errno == ENOSPC))
		terminal_write(h->fd, "ccctl: no inotify is left to notice others that read this "
				      "terminal\n");
	/* As after su, or when logind has taken a console's file back. */
	if (h->own && h->watch < 0 && errno == EACCES)
		terminal_write(h->fd, "ccctl: this terminal's file is another user's, so others "
				      "that read the terminal are not noticed\n");
	h->input = terminal_input_begin(h->fd, &h->quiet, f);
	if (!h->input)
		return -1;
	if (h->page)
		terminal_page_show(h->fd, h->page);
	else
		terminal_write(h->fd, prompt);
	return 0;
}

/* One question, with signals held and the terminal seized.  1 answered; 0 to be asked again,
 * or *shared: another process reads the terminal, or h->anothers; -1. */
static int hush_ask(struct hush *h, const char *prompt, struct secret *s, bool *shared,
		    struct failure *f)
{
	bool shown;
	int r;

	h->stop = h->background = *shared = false;
	terminal_signals_hold(&h->signals);
	h->anothers = !terminal_seize(h->fd, &h->seized);
	if (h->anothers)
		return 0;
	/* Echo first: a person who types ahead is not made to wait for the look at others. */
	r = hush_echo_off(h, f);
	if (r == 0) {
		*shared = terminal_is_shared(h->fd, terminal_signals_pending, &h->signals);
		/* The caller lets the signal have its way, and asks anew. */
		if (!*shared && !terminal_signals_pending(&h->signals)) {
			r = hush_prompt(h, prompt, f);
			shown = r == 0;
			r = shown ? hush_read(h, s, f) : -1;
			s->more = r == 1 && h->own && hush_has_more(h, s);
			terminal_input_end(h->input);
			h->input = NULL;
			if (shown && h->page)
				terminal_page_leave(h->fd);
			if (shown && r < 0 && (f->code == FAIL_CHANGED || f->code == FAIL_SYSTEM))
				terminal_drop_typing(h->fd, "ccctl", terminal_signals_pending,
						     &h->signals);
			if (h->watch >= 0)
				close(h->watch);
			h->watch = -1;
			if (shown && !h->page)
				terminal_write(h->fd, "\n");
		}
		hush_echo_back(h);
	}
	terminal_reopen(h->fd, h->seized);
	if (r != 1) {
		io_wipe(s->p, s->room);
		s->n = 0;
	}
	return r;
}

int terminal_secret_ask(int fd, bool own, const char *prompt, const struct terminal_page *page,
			struct secret *s, struct failure *f)
{
	struct hush h = { .fd = fd, .own = own, .page = page, .watch = -1 };
	int64_t deadline = clock_now_ms() + TERMINAL_PATIENCE_MS;
	bool continued, stopped, shared;
	int r;

	/* In the background, stop until continued in the foreground: the terminal now has
	 * the shell's settings for line editing, which must not be saved as the normal ones. */
	if (tcgetpgrp(fd) >= 0 && tcgetpgrp(fd) != getpgrp())
		kill(0, SIGTTOU);
	do {
		r = hush_ask(&h, prompt, s, &shared, f);
		continued = terminal_signals_continue_pending();
		stopped = !h.anothers && hush_was_stopped(&h);
		terminal_signals_release(&h.signals);
		if (r == 0 && stopped)
			return terminal_fail_held(f);
		if (r == 0 && hush_obey_signals(&h, continued, f) != 0)
			r = -1;
		if (r == 0 && shared && terminal_ask_about_readers(fd, f) != 0)
			r = -1;
		if (r == 0 && h.anothers && terminal_wait_turn(deadline) != 0)
			r = terminal_fail(NULL, f);
	} while (r == 0);
	return r == 1 ? 0 : -1;
}
