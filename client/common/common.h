/*
 * client/common/common.h - what the verbs of ccctl share: the table's row, the call
 * to the broker, secrets in locked memory, options, plain output.
 */
#ifndef CLIENT_COMMON_COMMON_H
#define CLIENT_COMMON_COMMON_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/paths.h"
#include "dial/dial.h"
#include "wire/limits.h"

struct arena;
struct client;
struct failure;

#define PASSPHRASE_MAX 1024   /* bytes; nobody types more */
#define PASSPHRASE_LEAST 8    /* characters; fewer are guessed, whatever Argon2id costs */
#define TRIES 3		      /* questions on the terminal before giving up */
#define PIPE_DEADLINE_MS (5 * 60 * 1000) /* who fills a pipe may have to ask a person first */

/*
 * A verb: returns its exit code (0 and up), or -1 with f set.  argv[0] is the
 * verb's own name.
 */
typedef int verb_run(struct client *c, int argc, char **argv, struct failure *f);

verb_run verb_init, verb_unlock, verb_lock, verb_status, verb_add, verb_list, verb_keys, verb_get,
	verb_rm, verb_rename, verb_show, verb_approve, verb_log, verb_slot, verb_passphrase, verb_host,
	verb_rekey, verb_backup, verb_restore, verb_move, verb_settings, verb_login, verb_allow,
	verb_deny, verb_link, verb_unlink, verb_default, verb_edit, verb_statusline, verb_import;

/* ---- the broker ---- */

struct client {
	struct arena *arena; /* NULL for a verb that handles no secret */
	uint8_t *buf;	     /* replies, WIRE_PACKET_MAX bytes; in the arena when there is one */
	bool connected;
	enum dial_where where; /* which broker; DIAL_ANY at first */
	struct dial dial;
	char state[16];	       /* at the last client_connect: none, locked, unlocked */
	char why[16];	       /* it was locked; "start": nobody locked it */
	uint64_t asleep;       /* keys that were in memory as long as they may */
	char vault[PATH_SIZE]; /* its file */
};

/* secrets: the reply buffer must be locked memory.  0 or -1. */
int client_begin(struct client *c, bool secrets, struct failure *f);
void client_end(struct client *c);

/*
 * Connect afresh and check the broker (hello): afterwards a secret may be
 * sent.  A person at a prompt takes longer than the broker lets a connection
 * idle, so every phase after a prompt connects again.
 */
int client_connect(struct client *c, bool start, struct failure *f);

/* Send a request (freed), wait for the answer: c->dial.in.top. */
int client_call(struct client *c, struct wire_out *request, struct failure *f);

/* Is there a vault file?  For when no broker can be asked. */
bool vault_file_exists(void);

/* ---- secrets ---- */

struct secret {
	uint8_t *p; /* in the arena */
	size_t n;
	size_t room;
};

int secret_new(struct client *c, struct secret *s, size_t room, struct failure *f);
/* Wipe and give back.  Safe on a zeroed one. */
void secret_free(struct client *c, struct secret *s);

/* One line, up to a newline or the end, from a descriptor that a person passed. */
int secret_from_fd(int fd, struct secret *s, struct failure *f);

/* ---- opening the vault (open.c) ---- */

/* Make a vault with a passphrase that is asked for on the terminal. */
int vault_make(struct client *c, struct failure *f);

/*
 * Connected and open on return: without a person where a broker has just
 * started, else on a terminal by asking.  given: a passphrase that was read
 * already, or NULL.
 */
int vault_ready(struct client *c, const struct secret *given, struct failure *f);

/* ---- words on the command line ---- */

/*
 * getopt_long with messages of ours; *first: true before the first call.
 * Returns the option, -1 at the end, '?' with f set.
 */
int next_option(bool *first, int argc, char **argv, const char *shorts,
		const struct option *longs, struct failure *f);

/* Exactly n words must be left after the options.  Never shows a word: it may be a key. */
int want_words(int argc, char **argv, int n, struct failure *f);

int number_option(const char *text, long least, long most, const char *what, long *out,
		  struct failure *f);
int passphrase_fd_option(const char *text, int *fd, struct failure *f);

/* A word that must be an entry's name. */
int want_name(const char *word, struct failure *f);

/* Split NAME[:MODE]; mode is "" when there is none. */
int split_provider(const char *word, char name[NAME_MAX_LEN + 1], char mode[NAME_MAX_LEN + 1],
		   struct failure *f);

/* ---- output ---- */

/* "ccctl: ..." on standard error, so that standard output is data alone; one line,
 * no control characters get through. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Text from a file or the wire on standard output: no control characters get through. */
void put_plain(const char *text);

/* As put_plain, padded with blanks to width columns, and two more. */
void put_cell(const char *text, int width);
int cell_width(const char *text, int least);

#endif
