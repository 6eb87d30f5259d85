/*
 * client/backup.c - ccctl backup: all entries in one file, under a passphrase.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/shell_word.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/secret.h"
#include "client/common/terminal.h"
#include "client/slots/person.h"
#include "client/slots/slot_make.h"
#include "client/slots/slots.h"
#include "client/slots/transfer.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "spec/spec.h"
#include "start/watcher.h"
#include "vault/slot.h"

#define BACKUP_LABEL "backup" /* label of its only slot: tells a backup from a vault */

/*
 * Nothing in the vault's directory is replaced: a backup over the vault itself would
 * lose every slot.  (The system broker's directory is not writable for a user.)
 */
static int backup_check_directory(const char *file, const char *vault, struct failure *f)
{
	char a[PATH_SIZE], b[PATH_SIZE];
	struct stat there, ours;

	if (snprintf(a, sizeof(a), "%s", file) >= (int)sizeof(a))
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the path of the backup is too long");
	snprintf(b, sizeof(b), "%s", vault);
	if (stat(dirname(a), &there) != 0)
		return fail_errno(f, NULL, "%s", file);
	if (stat(dirname(b), &ours) == 0 && there.st_dev == ours.st_dev &&
	    there.st_ino == ours.st_ino)
		return fail_set(f, FAIL_EXISTS, "name a file elsewhere, best on another disk",
				"%s is in the vault's own directory", file);
	return 0;
}

/* Only an older backup may be replaced. */
static int backup_check_target(const char *file, struct failure *f)
{
	static struct slots s;
	uint8_t *p;
	size_t n;
	int r;

	if (access(file, F_OK) != 0)
		return 0;
	if (transfer_read(file, &p, &n, f) != 0)
		return -1;
	r = transfer_slots(p, n, &s, f);
	free(p);
	if (r == 0 && s.n == 1 && s.slot[0].kind == SLOT_PASSPHRASE &&
	    strcmp(s.slot[0].label, BACKUP_LABEL) == 0)
		return 0;
	return fail_set(f, FAIL_EXISTS, "choose another name", "%s exists and is not a backup",
			file);
}

static int backup_write(struct client *c, const char *file, int fd, struct failure *f)
{
	struct new_slot s = { .pass_fd = fd, .label = BACKUP_LABEL };
	uint8_t none[VAULT_ID_LEN] = { 0 }, *p = NULL;
	struct wire_out *o;
	size_t n = 0;
	char word[PATH_SIZE];
	int r = -1;

	if (backup_check_target(file, f) != 0 || vault_open_for_person(c, f) != 0 ||
	    backup_check_directory(file, c->vault, f) != 0 || person_identify(c, f) != 0)
		return -1;
	if (fd < 0)
		terminal_say("The backup has a passphrase of its own, which may be another one "
			     "than the vault's.");
	if (slot_make(c, SLOT_PASSPHRASE, &s, none, 0, f) != 0 || client_connect(c, true, f) != 0)
		goto out;
	o = wire_request("backup");
	slot_put(o, &s.info);
	wire_put_secret(o, "key", s.key.p, KEY_LEN);
	if (person_call(c, o, f) != 0 || transfer_fetch(c, &p, &n, f) != 0)
		goto out;
	r = io_replace_file(file, 0600, p, n, f);
out:
	free(p);
	slot_new_free(c, &s);
	if (r == 0)
		say("wrote %s; ccctl restore %s brings it back, with its passphrase", file,
		    shell_word(file, word, sizeof(word)) ? word : "FILE");
	return r;
}

int verb_backup(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true;
	int opt, fd = -1, new_fd = -1;

	while ((opt = next_option(&first, argc, argv, f)) != -1)
		if (opt == '?' ||
		    passphrase_fd_option(optarg, opt == OPTION_PASSPHRASE_FD ? &fd : &new_fd, f) !=
			    0)
			return -1;
	if (require_words(argc, argv, 1, f) != 0 || person_read_fd(c, fd, f) != 0)
		return -1;
	return backup_write(c, argv[optind], new_fd, f) == 0 ? EXIT_DONE : -1;
}
