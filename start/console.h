/*
 * start/console.h - has another program the keyboards of the text console that is asked on?
 *
 * systemd-logind hands a console's keyboards to any program with the uid of who is logged in there
 * (org.freedesktop.login1.Session: TakeControl, then TakeDevice).  Such a program reads each key
 * unseen by the terminal.  Nothing keeps it from that but control of one's own, at whose end
 * logind gives the console's file to root, and what opens that by name (pinentry, screen) fails
 * from then on.  So a question looks for it instead: before, and while it is answered.
 *
 * logind writes a log-in's file anew, under a new inode number, whenever its controller, or whether
 * it is in front, changes; so what took control and gave it back between two looks shows as well.
 */
#ifndef START_CONSOLE_H
#define START_CONSOLE_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct failure;

#define CONSOLE_LOOK_MS 50 /* how often to call console_check while somebody types */
#define CONSOLE_SWITCHES 4 /* to another console and back, twice: more is no person's */
#define CONSOLE_LOG_INS 8  /* on one console; there is one, but for who switches users by hand */

struct console_log_in {
	ino_t file;
	struct timespec made; /* a file system may use a number again */
	bool front;	      /* it has the seat's screen and keyboards */
};

struct console {
	int fd;
	unsigned vt;	   /* 0: it is no text console, or nobody looks */
	bool left;	   /* another console was in front since console_begin */
	unsigned switches; /* so often */
	unsigned log_ins;
	struct console_log_in log_in[CONSOLE_LOG_INS];
};

/*
 * Look at the terminal fd, which stays open as long as c is used.  0; or -1 with FAIL_DECLINED:
 * its keyboards are another's, or that cannot be told, and nothing is to be asked.
 */
int console_begin(struct console *c, int fd, struct failure *f);

/*
 * Look again.  0; or -1 with FAIL_CHANGED: another program has the keyboards, or may have had
 * them, and nothing that was typed is to be used.
 */
int console_check(struct console *c, struct failure *f);

/*
 * True once when it is in front again after another console was, to which a program of the user's can
 * have switched as well: what was typed meanwhile went there.
 */
bool console_came_back(struct console *c);

#endif
