/*
 * import/found.h - what an import has found so far: files, the accounts in them,
 * the providers that these are for.  Every step adds to one struct import.
 *
 *   find_files (which files; each is parsed) -> accounts (a token and the settings
 *   beside it) -> match_provider (which provider it is for) -> vault_entries (new,
 *   or in the vault already) -> provider_file, vault_entries (write and store)
 *   -> scrub, leftovers (take the tokens out of the files)
 */
#ifndef IMPORT_FOUND_H
#define IMPORT_FOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include "base/fail.h"
#include "base/paths.h"
#include "config/provider/provider.h"
#include "import/assignments.h"
#include "import/locked_text.h"
#include "wire/limits.h"

#define FILES_MAX 512
#define ACCOUNTS_MAX 128
#define PROVIDER_SETTINGS_MAX 48 /* beside one token */
#define SETTINGS_LEFT_MAX 8	 /* of these that are not taken over */
#define SETTING_VALUE_MAX 1000	 /* bytes; what fits into a line of a provider's file */
#define MODES_MAX 8
#define LEFTOVERS_MAX 256
#define FILE_NOTE_MAX 160

enum file_kind {
	FILE_SHELL,
	FILE_FISH,
	FILE_NUSHELL,
	FILE_SYSTEMD,	      /* a unit */
	FILE_FISH_VARIABLES,  /* fish's universal variables, which fish itself writes */
	FILE_CLAUDE_SETTINGS, /* JSON with an "env" object: Claude Code's, ccs's */
	FILE_EDITOR,	      /* VS Code's and Cursor's settings: JSON with comments */
	FILE_CC_SWITCH,	      /* its JSON of earlier versions */
	FILE_ROUTER,	      /* claude-code-router's JSON */
	FILE_CC_SWITCH_DB,    /* SQLite */
	FILE_NAMED,	      /* known, but no key is taken over from it: why */
	FILE_KEY	      /* all of it is one key */
};

/*
 * Whose a file is.  What others may have written (each directory that is taken for a project, as a
 * repository is) says nothing of what is not its own, and gets nothing of it.  Nor does what only
 * such a file names, or a link of its: that is a side of its own.
 */
#define SIDE_OWN 0 /* the person's: found in the home, or named */

/* Does what a file of side a says count for a file of side b? */
static inline bool side_says(unsigned a, unsigned b)
{
	return a == SIDE_OWN || a == b;
}

struct import_file {
	char path[PATH_SIZE];
	enum file_kind kind;
	struct locked_text text;
	struct stat st; /* when text was read */
	struct assignments parsed;
	unsigned side;
	struct failure why; /* code set: it could not be parsed or changed, and is left alone */
	char note[FILE_NOTE_MAX]; /* a warning to its scrubbing; "" none */
	bool scrubbed;
	bool by_hand; /* it has a key that the vault has, and is not changed: note says how */
};

/* A variable that goes into a provider's file, as a model or in [env]. */
struct provider_setting {
	char name[VARIABLE_MAX_LEN + 1];
	char value[SETTING_VALUE_MAX + 1];
};

struct provider_settings {
	struct provider_setting *set; /* allocated, PROVIDER_SETTINGS_MAX */
	unsigned n;
	/* Of the client's, and not taken over: a person has to write them, if at all. */
	char left[SETTINGS_LEFT_MAX][VARIABLE_MAX_LEN + 1];
	unsigned lefts;
};

/* A branch of a wrapper script (--local), which becomes a mode of the provider. */
struct mode {
	char name[NAME_MAX_LEN + 1];
	char base_url[SETTING_VALUE_MAX + 1];
	char placeholder[40]; /* a word in the token's place that a local server ignores */
	unsigned account;     /* the account whose token the branch uses, or ACCOUNTS_MAX */
	struct provider_settings list;
};

enum account_kind {
	ACCOUNT_TOKEN,	 /* the file has the token */
	ACCOUNT_SOURCE,	 /* another manager has it: ref */
	ACCOUNT_UNKNOWN, /* a command that is not known to ask a manager */
	ACCOUNT_BAD	 /* no token, or no address that it may go to: why */
};

enum account_state {
	STATE_OPEN, /* the vault is not open, so that it is not known */
	STATE_NEW,
	STATE_SAME,   /* the vault has this token */
	STATE_OTHER,  /* the vault has another token of that name: this one gets another name */
	STATE_STORED, /* now, and on the disk */
	STATE_LEFT,   /* the user declined, or it cannot be imported */
	STATE_FAILED  /* why */
};

/* A token, or where one comes from, and what goes with it. */
struct account {
	unsigned file, assign;	     /* the assignment of the variable that claude reads */
	unsigned at_file, at_assign; /* the assignment that has the value: NAME=$OTHER */
	enum account_kind kind;
	const char *token; /* n bytes in the values of at_file, or NULL */
	size_t n;
	const char *ref; /* of the assignment */
	char base_url[SETTING_VALUE_MAX + 1];
	struct provider_settings list;
	struct mode mode[MODES_MAX];
	unsigned modes;
	char provider[NAME_MAX_LEN + 1], provider_mode[NAME_MAX_LEN + 1]; /* "" provider: none */
	char parent[NAME_MAX_LEN + 1]; /* STATE_OTHER: the provider that the new one uses */
	char entry[NAME_MAX_LEN + 1];  /* of the vault */
	bool fresh;		       /* the provider has no file yet */
	bool made_file;		       /* by this import */
	unsigned twin;		       /* the first account with the same value, maybe this one */
	enum account_state state;
	struct failure why;
};

/* A provider and mode that has a file, or will have one. */
struct known_provider {
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];
	char base_url[SETTING_VALUE_MAX + 1], entry[NAME_MAX_LEN + 1];
	enum auth auth;
	bool secret; /* it takes a token */
	bool ships;  /* there is a shipped file of that name */
};

/* Another file with a fragment of a token in it. */
struct leftover {
	char path[PATH_SIZE];
	const char *what; /* history, backup, ... */
	bool wiped;
	struct failure why;
};

struct client;
struct listed;

struct import {
	struct client *c;
	bool scrub, yes, json, history; /* the options */
	bool asks;			/* somebody is there to be asked */
	char home[PATH_SIZE];
	char project[PATH_SIZE];  /* a directory whose files are found, beside the home; or "" */
	unsigned side, sides;	  /* of its files; how many there are */
	struct import_file *file; /* FILES_MAX */
	unsigned files;
	struct account *account; /* ACCOUNTS_MAX */
	unsigned accounts;
	struct known_provider *known;
	unsigned knowns, known_room;
	struct listed *entry; /* of the vault */
	unsigned entries;
	bool open;				      /* the vault is: entry is known */
	char written[ACCOUNTS_MAX][NAME_MAX_LEN + 1]; /* providers whose file was written */
	unsigned writtens;
	struct leftover *left; /* LEFTOVERS_MAX */
	unsigned lefts;
};

#endif
