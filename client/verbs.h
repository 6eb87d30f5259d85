/*
 * client/verbs.h - the verbs of ccctl.  Each is defined in the file of its name.
 */
#ifndef CLIENT_VERBS_H
#define CLIENT_VERBS_H

struct client;
struct failure;

/*
 * Run a verb.  argv[0] is its name, argv[1] to argv[argc - 1] are what follows.
 * Returns the exit code (0 and up), or -1 with f set.
 */
typedef int verb_run(struct client *c, int argc, char **argv, struct failure *f);

/* A row of the table in client/main.c. */
struct verb {
	const char *name;
	verb_run *run;
	int flags;	   /* VERB_... */
	const char *words; /* its options and words, for the usage line */
	const char *what;  /* what it does, in one line; NULL: for ccrun, not for people */
};

enum {
	VERB_SECRET = 1,  /* handles secrets: undumpable process, locked memory */
	VERB_ANYWHERE = 2 /* may run inside a session */
};

verb_run verb_init, verb_unlock, verb_lock, verb_status, verb_add, verb_list, verb_keys, verb_get,
	verb_rm, verb_rename, verb_show, verb_approve, verb_log, verb_slot, verb_passphrase,
	verb_host, verb_rekey, verb_backup, verb_restore, verb_move, verb_settings, verb_login,
	verb_allow, verb_deny, verb_link, verb_unlink, verb_default, verb_edit, verb_statusline,
	verb_digest, verb_import, verb_sessions, verb_limit, verb_spent, verb_confirm, verb_models;

#endif
