/*
 * start/console.c - looks for who controls a text console's log-in.
 *
 * The files of logind are its own, and say so ("Do not parse"); nothing else tells of a controller,
 * the bus neither.  What they no longer say one day, console_vt_is_usual may still see.
 */
#include "start/console.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/number.h"
#include "start/console_vt.h"

#define FILE_MAX 4096  /* bytes that are read of a log-in's file; it has some 500 */
#define FILES_MAX 2048 /* log-ins of the machine */
#define WORD_MAX 64

/* What a look saw. */
struct console_look {
	struct console now;
	bool taken;
	char controller[WORD_MAX]; /* its name on the bus, or "" */
};

/* The value of a line NAME=VALUE of the text, into out; false: it has none. */
static bool file_word(const char *text, const char *name, char out[WORD_MAX])
{
	size_t n = strlen(name), length;

	for (; text; text = strchr(text, '\n'), text += text != NULL) {
		if (strncmp(text, name, n) != 0 || text[n] != '=')
			continue;
		length = strcspn(text + n + 1, "\n");
		snprintf(out, WORD_MAX, "%.*s", (int)length, text + n + 1);
		return true;
	}
	return false;
}

/* One file of logind's.  -1 with errno. */
static int look_at_file(struct console_look *l, int dir, const char *name)
{
	char text[FILE_MAX], word[WORD_MAX];
	struct console *c = &l->now;
	unsigned long vt;
	struct stat st;
	ssize_t n = -1;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0) /* one that has logged out */
		return errno == ENOENT ? 0 : -1;
	if (fstat(fd, &st) == 0)
		n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return -1;
	errno = EOVERFLOW;
	/* Who has control can make it longer: by the display's name, which stands before the console. */
	if (n == sizeof(text) - 1)
		return -1;
	text[n] = '\0';
	if (!file_word(text, "VTNR", word) || !number_parse(word, 1, 63, &vt) || vt != c->vt)
		return 0;
	errno = EOVERFLOW;
	if (c->log_ins == CONSOLE_LOG_INS)
		return -1;
	c->log_in[c->log_ins].file = st.st_ino;
	c->log_in[c->log_ins].made = st.st_ctim;
	c->log_in[c->log_ins++].front = file_word(text, "ACTIVE", word) && strcmp(word, "1") == 0;
	if (file_word(text, "CONTROLLER", word) && word[0]) {
		l->taken = true;
		memcpy(l->controller, word, sizeof(word));
	}
	return 0;
}

/* 0, or -1 with errno: it could not be told. */
static int look(struct console_look *l, const struct console *c)
{
	unsigned files = 0;
	struct dirent *e;
	DIR *d;
	int r = 0, error;

	*l = (struct console_look){ .now = { .fd = c->fd, .vt = c->vt } };
	l->taken = !console_vt_is_usual(c->fd);
	d = opendir(console_log_ins());
	if (!d) /* a machine without logind */
		return errno == ENOENT ? 0 : -1;
	while (r == 0) {
		errno = 0;
		e = readdir(d);
		if (!e) {
			r = errno ? -1 : 0;
			break;
		}
		errno = EOVERFLOW;
		r = ++files > FILES_MAX ? -1 : 0;
		/* A log-in's name has no dot; a file that is about to replace one begins with it. */
		if (r == 0 && !strchr(e->d_name, '.'))
			r = look_at_file(l, dirfd(d), e->d_name);
	}
	error = errno;
	closedir(d);
	errno = error;
	return r;
}

static int fail_taken(const struct console_look *l, enum fail_code code, const char *after,
		      struct failure *f)
{
	fail_set(f, code, NULL, "another program has the keyboards of this console (tty%u)%s",
		 l->now.vt, after);
	if (l->controller[0])
		fail_hint(f, "\"busctl status %s\" says which; end it, or come by ssh",
			  l->controller);
	else
		fail_hint(f, "log out of this console and in again, or come by ssh");
	return -1;
}

int console_begin(struct console *c, int fd, struct failure *f)
{
	struct console_look l;

	*c = (struct console){ .fd = fd };
	if (!control_active(CONTROL_CONSOLE_KEYBOARDS))
		return 0;
	c->vt = console_vt(fd);
	if (c->vt == 0)
		return 0;
	if (look(&l, c) != 0)
		return fail_errno(f, "come by ssh, or ask who looks after this machine",
				  "who has the keyboards of this console cannot be told");
	if (l.taken)
		return fail_taken(&l, FAIL_DECLINED, ": nothing was asked", f);
	*c = l.now;
	return 0;
}

static bool is_same_file(const struct console_log_in *a, const struct console_log_in *b)
{
	return a->file == b->file && a->made.tv_sec == b->made.tv_sec &&
	       a->made.tv_nsec == b->made.tv_nsec;
}

static bool is_in_front(const struct console *c)
{
	unsigned i;

	for (i = 0; i < c->log_ins; i++)
		if (c->log_in[i].front)
			return true;
	return c->log_ins == 0;
}

/* Was a log-in's file written anew, for another reason than that its console came to the front,
 * or went?  logind writes it in other cases too, such as its own restart: those look like that. */
static bool is_rewritten(const struct console *was, const struct console *now)
{
	unsigned i, k;

	for (i = 0; i < was->log_ins; i++) {
		for (k = 0; k < now->log_ins && !is_same_file(&was->log_in[i], &now->log_in[k]);
		     k++)
			;
		if (k < now->log_ins)
			continue;
		/* With one log-in, as is usual, it is clear which file was this one. */
		if (was->log_ins != 1 || now->log_ins != 1 ||
		    was->log_in[0].front == now->log_in[0].front)
			return true;
	}
	return was->log_ins != now->log_ins;
}

int console_check(struct console *c, struct failure *f)
{
	static const char hint[] = "the same command again; if you typed much of it and know of no "
				   "reason, change the passphrase, by ssh";
	struct console_look l;

	if (c->vt == 0)
		return 0;
	if (look(&l, c) != 0)
		return fail_errno(f, hint, "who has the keyboards of this console cannot be told");
	if (l.taken)
		return fail_taken(&l, FAIL_CHANGED, ", and reads what you type", f);
	l.now.switches = c->switches + (is_in_front(c) != is_in_front(&l.now));
	if (is_rewritten(c, &l.now) || l.now.switches > CONSOLE_SWITCHES)
		return fail_set(f, FAIL_CHANGED, hint,
				"this console's log-in changed: another program may have had its "
				"keyboards, and read what you typed");
	l.now.left = c->left || !is_in_front(&l.now);
	*c = l.now;
	return 0;
}

bool console_came_back(struct console *c)
{
	if (!c->left || !is_in_front(c))
		return false;
	c->left = false;
	return true;
}
