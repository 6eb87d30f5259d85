/*
 * import/found.h - ccctl import: what was found, and the steps from
 * files to the vault and back to files, each in its file.
 *
 *   places (which files) -> reading -> accounts (what belongs together)
 *   -> map (which provider) -> vault (new, the same, another) -> conf, vault
 *   (provider files, entries) -> scrub, leftovers (the files again)
 */
#ifndef IMPORT_FOUND_H
#define IMPORT_FOUND_H

#include "base/fail.h"
#include "client/common/common.h"
#include "client/common/entries.h"
#include "import/assignments.h"
#include "config/provider/provider.h"

#define FILES_MAX 512
#define ACCOUNTS_MAX 128
#define SETTINGS_MAX 48
#define SETTING_VALUE 1000 /* what fits into a line of a provider's file */
#define MODES_MAX 8
#define SHOWN_MAX 4   /* characters of a secret that are shown */
#define SHOWN_LEAST 16 /* of a secret that is shorter none is */

enum file_kind { FILE_SHELL, FILE_FISH, FILE_SETTINGS, FILE_KEY };

struct import_file {
	char path[PATH_SIZE];
	enum file_kind kind;
	struct text text;
	struct stat st;
	struct reading r;
	struct failure why; /* code set: it is left alone */
	char note[160];	    /* of its scrubbing */
	bool scrubbed;
};

struct setting {
	char name[VARIABLE_MAX_LEN + 1];
	char value[SETTING_VALUE + 1];
};

struct settings_list {
	struct setting *set; /* allocated, SETTINGS_MAX */
	unsigned n;
};

struct mode {
	char name[NAME_MAX_LEN + 1];
	char base_url[SETTING_VALUE + 1];
	char placeholder[40];
	unsigned account; /* of its token, or ACCOUNTS_MAX */
	struct settings_list list;
};

enum account_kind {
	ACCOUNT_TOKEN,	 /* the value is written there */
	ACCOUNT_SOURCE,	 /* another manager has it */
	ACCOUNT_UNKNOWN, /* it comes from something that we do not know */
	ACCOUNT_BAD	 /* it cannot be a token */
};

enum account_state {
	STATE_OPEN,	/* the vault could not be asked */
	STATE_NEW,
	STATE_SAME,	/* the vault has it */
	STATE_OTHER,	/* the vault has another one of that name: it gets a name of its own */
	STATE_STORED,	/* by us, on the disk */
	STATE_LEFT,	/* somebody said no, or it cannot be imported */
	STATE_FAILED
};

struct account {
	unsigned file, assign;	     /* the variable that claude gets */
	unsigned at_file, at_assign; /* where its value is written */
	enum account_kind kind;
	const char *token; /* in a reading's pool */
	size_t n;
	const char *ref; /* in a reading */
	char base_url[SETTING_VALUE + 1];
	struct settings_list list;
	struct mode mode[MODES_MAX];
	unsigned modes;
	char provider[NAME_MAX_LEN + 1], pmode[NAME_MAX_LEN + 1]; /* "" provider: none */
	char parent[NAME_MAX_LEN + 1]; /* of a second account: the provider that it uses */
	char entry[NAME_MAX_LEN + 1];
	bool fresh; /* the provider has no file yet */
	unsigned twin; /* the account with the same value that comes first, or itself */
	enum account_state state;
	struct failure why;
};

/* A provider (and mode) that has a file, or will have. */
struct known {
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];
	char base_url[SETTING_VALUE + 1], entry[NAME_MAX_LEN + 1];
	enum auth auth;
	bool secret; /* it takes one */
};

struct leftover {
	char path[PATH_SIZE];
	const char *what; /* history, backup, ... */
	bool wiped;
	struct failure why;
};

#define LEFTOVERS_MAX 256

struct import {
	struct client *c;
	bool scrub, yes, json, history, asks;
	char home[PATH_SIZE];
	struct import_file *file;
	unsigned files;
	struct account *account;
	unsigned accounts;
	struct known *known;
	unsigned knowns, known_room;
	struct listed *entry; /* of the vault */
	unsigned entries;
	bool open; /* the vault could be asked */
	char written[ACCOUNTS_MAX][NAME_MAX_LEN + 1]; /* provider files */
	unsigned writtens;
	struct leftover *left;
	unsigned lefts;
};

/* ---- places.c ---- */

/* All files where keys are kept, or those of the words.  0 or -1. */
int places_find(struct import *im, char **word, int n, struct failure *f);
/* One file more, read; kind FILE_KEY: all of it is a key.  Its number, or -1 when it cannot be. */
int places_add(struct import *im, const char *path, enum file_kind kind, bool must);
/* ~/... for people, and nothing that steers a terminal. */
const char *places_short(const struct import *im, const char *path, char out[PATH_SIZE]);

/* ---- accounts.c ---- */

int accounts_collect(struct import *im, struct failure *f);
void accounts_free(struct import *im);
const struct assign *account_at(const struct import *im, const struct account *a);
const struct assign *account_variable(const struct import *im, const struct account *a);

/* ---- settings_list.c ---- */

/* What a variable holds where scope `scope` of the file is; NULL unknown. */
const struct assign *settings_see(const struct import *im, unsigned file, unsigned scope,
				  const char *name);
/* The models, times and switches that hold there; only: of the scopes of this mode alone. */
int settings_gather(const struct import *im, unsigned file, unsigned scope, const char *only,
		    struct settings_list *l, struct failure *f);
/* A literal's text, chased through names; "" when it has none that fits. */
void settings_text(const struct import *im, unsigned file, const struct assign *a,
		   char out[SETTING_VALUE + 1]);
/* The assignment that NAME=$OTHER stands for.  *file may change. */
const struct assign *settings_chase(const struct import *im, unsigned *file, const struct assign *a);

/* ---- map.c ---- */

int map_accounts(struct import *im, struct failure *f);
/* ANTHROPIC_AUTH_TOKEN and its like. */
bool map_carrier(const char *variable);
/* OPENROUTER_API_KEY and its like. */
bool map_vendor(const char *variable);
/* Is a name taken, by a provider or an entry? */
bool map_taken(const struct import *im, const char *name);
/*
 * Does url have the template's form, with ${name} (NULL: whatever it is) in one
 * place?  What stands there comes to value (size bytes).
 */
bool map_template(const char *template, const char *url, const char *name, char *value, size_t size);
int map_add(struct import *im, const struct known *k, struct failure *f);

/* ---- vault.c ---- */

/* Ask the broker what it has: the state of every account. */
int vault_compare(struct import *im, struct failure *f);
/* Store one; on success it is on the disk. */
int vault_store(struct import *im, struct account *a, struct failure *f);

/* ---- conf.c ---- */

/* Write what the provider's file lacks of the account.  0 or -1: the file is as it was. */
int conf_write(struct import *im, struct account *a, struct failure *f);

/* ---- report.c ---- */

void report_found(const struct import *im);
void report_done(const struct import *im);
int report_json(const struct import *im, struct failure *f);
/* "****abcd" */
void report_hidden(const char *p, size_t n, char out[32]);

/* ---- scrub.c ---- */

/* Take the stored secrets out of their files.  0 or -1: some could not be. */
int scrub_files(struct import *im, struct failure *f);

/* ---- pieces.c ---- */

struct piece {
	size_t at, end;
};

/* Of which tokens?  One below 12 characters may be any word, and is only hidden. */
enum pieces {
	PIECES_SAFE,  /* those that the vault has */
	PIECES_FOUND, /* all */
	PIECES_SHOWN  /* all, short ones too */
};

/*
 * The next piece (12 characters or more, or all of a short one) of a token in
 * p[from..n): at is n when there is none.
 */
struct piece pieces_next(const struct import *im, enum pieces of, const char *p, size_t from, size_t n);

/* Has the vault this account's token on its disk? */
bool pieces_safe(const struct account *a);

/* ---- rewrite.c ---- */

/*
 * Put fresh into the file's place, and a copy of what was there, without the
 * secrets, into our state directory.  0 or -1: the file is as it was.
 */
int rewrite_file(struct import_file *file, const struct text *fresh, const struct text *backup,
		 char kept[PATH_SIZE], struct failure *f);
/* What a person should know of the file: other names, git.  "" nothing. */
void rewrite_note(const struct import_file *file, char out[160]);

/* ---- settings.c ---- */

/*
 * Take a member out of "env" of a settings file's text, which is valid: in
 * its place, with its comma.  False: it is not there.
 */
bool env_splice(struct text *t, const char *name);
/* Are the two equal but for these members of "env" (which only before has), and is
 * after still JSON? */
bool env_proof(const struct text *before, const struct text *spliced, const struct text *after,
		    const char *const *names, unsigned n);

/* ---- leftovers.c ---- */

/* Editors' backups, histories, and other files that hold pieces of what was found. */
int leftovers_find(struct import *im, struct failure *f);
/* Overwrite the pieces, in their places. */
void leftovers_wipe(struct import *im);

#endif
