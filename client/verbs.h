/*
 * client/verbs.h - the verbs of ccctl.  Each is defined in the file of its name;
 * spec/verbs.c says what people may type behind it.
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

verb_run verb_init, verb_unlock, verb_lock, verb_status, verb_add, verb_list, verb_keys, verb_get,
	verb_rm, verb_rename, verb_show, verb_approve, verb_log, verb_slot, verb_passphrase,
	verb_host, verb_rekey, verb_backup, verb_restore, verb_move, verb_settings, verb_login,
	verb_allow, verb_deny, verb_link, verb_unlink, verb_default, verb_edit, verb_statusline,
	verb_digest, verb_import, verb_sessions, verb_limit, verb_spent, verb_confirm, verb_models,
	verb_test, verb_complete, verb_doctor;

#endif
