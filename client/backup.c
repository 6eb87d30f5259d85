/*
 * client/backup.c - ccctl backup and restore: all entries in one file, under a
 * passphrase.
 */
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/common.h"
#include "client/common/terminal.h"
#include "client/slots/slots.h"
#include "client/slots/transfer.h"
#include "start/watcher.h"

enum { OPT_FD = 256, OPT_NEW_FD, OPT_REPLACE, OPT_SYSTEM };

/* ---- backup ---- */

#define LABEL "backup" /* of its one slot: tells a backup from a vault */

/*
 * What is beside the vault is the vault's: a backup in its place would take
 * every slot with it.  (The system broker's vault is out of reach anyway.)
 */
static int check_directory(const char *file, const char *vault, struct failure *f)
{
	char a[PATH_SIZE], b[PATH_SIZE];
	struct stat there, ours;

	if (snprintf(a, sizeof(a), "%s", file) >= (int)sizeof(a))
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the path of the backup is too long");
	snprintf(b, sizeof(b), "%s", vault);
	if (stat(dirname(a), &there) != 0)
		return fail_errno(f, NULL, "%s", file);
	if (stat(dirname(b), &ours) == 0 && there.st_dev == ours.st_dev && there.st_ino == ours.st_ino)
		return fail_set(f, FAIL_EXISTS, "name a file elsewhere, best on another disk",
				"%s is in the vault's own directory", file);
	return 0;
}

/* An older backup may be replaced, anything else not. */
static int check_target(const char *file, struct failure *f)
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
	return r == 0 && s.n == 1 && s.slot[0].kind == SLOT_PASSPHRASE && strcmp(s.slot[0].label, LABEL) == 0 ? 0 : fail_set(f, FAIL_EXISTS, "choose another name", "%s is there and is no backup", file);
}

static int backup(struct client *c, const char *file, int fd, struct failure *f)
{
	struct new_slot s = { .pass_fd = fd, .label = LABEL };
	uint8_t none[VAULT_ID_LEN] = { 0 }, *p = NULL;
	struct wire_out *o;
	size_t n = 0;
	int r = -1;

	if (check_target(file, f) != 0 || vault_ready(c, NULL, f) != 0 || check_directory(file, c->vault, f) != 0)
		return -1;
	if (fd < 0)
		terminal_say("The backup has a passphrase of its own, which may be another one than the vault's.");
	if (slot_make(c, SLOT_PASSPHRASE, &s, none, 0, f) != 0 || client_connect(c, true, f) != 0)
		goto out;
	o = wire_request("backup");
	slot_put(o, &s.info);
	wire_secret(o, "key", s.key.p, KEY_LEN);
	if (client_call(c, o, f) != 0 || transfer_fetch(c, &p, &n, f) != 0)
		goto out;
	r = io_replace_file(file, 0600, p, n, f);
out:
	free(p);
	slot_new_free(c, &s);
	if (r == 0)
		say("wrote %s; ccctl restore %s brings it back, with its passphrase", file, file);
	return r;
}

static const struct option backup_options[] = {
	{ "new-passphrase-fd", required_argument, NULL, OPT_NEW_FD }, { NULL, 0, NULL, 0 }
};

int verb_backup(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true;
	int opt, fd = -1;

	while ((opt = next_option(&first, argc, argv, ":", backup_options, f)) != -1)
		if (opt == '?' || passphrase_fd_option(optarg, &fd, f) != 0)
			return -1;
	if (want_words(argc, argv, 1, f) != 0)
		return -1;
	return backup(c, argv[optind], fd, f) == 0 ? EXIT_DONE : -1;
}

/* ---- restore ---- */

struct restore {
	uint8_t *p;
	size_t n;
	bool replace;
};

static int try_restore(struct client *c, uint32_t id, const uint8_t *key, void *arg, struct failure *f)
{
	const struct restore *r = arg;
	struct wire_out *o;

	if (transfer_send(c, r->p, r->n, f) != 0)
		return -1;
	o = wire_request("restore");
	wire_uint(o, "slot", id);
	wire_bool(o, "replace", r->replace);
	wire_bool(o, "rekey", true);
	wire_secret(o, "key", key, KEY_LEN);
	return client_call(c, o, f);
}

/* A vault that is there gives way only on somebody's word. */
static int settle_existing(struct client *c, struct restore *r, struct failure *f)
{
	if (client_connect(c, true, f) != 0)
		return -1;
	/* With one in each, the system's would hide the other. */
	if (strcmp(c->state, "none") == 0 && c->dial.system && vault_file_exists())
		return fail_set(f, FAIL_EXISTS, "ccctl move system", "there is a vault already, in a broker of your own");
	if (strcmp(c->state, "none") == 0 || r->replace)
		return 0;
	fail_set(f, FAIL_EXISTS, "--replace sets it aside as vault.replaced", "there is a vault already: %s",
		 c->vault);
	if (!terminal_asks())
		return -1;
	if (terminal_yes("there is a vault already: set it aside, and put the backup in its place?",
			 &r->replace, f) != 0)
		return -1;
	return r->replace ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

static int ask_and_restore(struct client *c, const struct slots *s, int fd, struct restore *r,
			   struct failure *f)
{
	struct secret typed = { 0 };
	int i, done = -1;

	if (secret_new(c, &typed, PASSPHRASE_MAX + 1, f) != 0)
		return -1;
	for (i = 0; i < TRIES && done != 0; i++) {
		if ((fd >= 0 ? secret_from_fd(fd, &typed, f)
			     : terminal_secret("Passphrase of the backup: ", &typed, f)) != 0)
			break;
		if (client_connect(c, true, f) == 0)
			done = slot_key_typed(c, s, &typed, try_restore, r, f);
		if (done != 0 && (fd >= 0 || f->code != FAIL_WRONG_KEY))
			break;
		if (done != 0 && i + 1 < TRIES)
			terminal_say("Wrong passphrase.");
	}
	secret_free(c, &typed);
	return done;
}

static int restore(struct client *c, const char *file, int fd, struct restore *r, struct failure *f)
{
	static struct slots s;
	uint64_t entries = 0;
	int done = -1;

	if (transfer_read(file, &r->p, &r->n, f) != 0)
		return -1;
	if (transfer_slots(r->p, r->n, &s, f) == 0 && settle_existing(c, r, f) == 0)
		done = ask_and_restore(c, &s, fd, r, f);
	free(r->p);
	if (done != 0)
		return -1;
	wire_get_uint(c->dial.in.top, "entries", &entries, NULL);
	say("restored %" PRIu64 " %s from %s; its passphrase opens the vault now, and nothing else does", entries,
	    entries == 1 ? "key" : "keys", file);
	if (r->replace)
		say("the vault that was there is beside it as vault.replaced");
	slots_warn(1);
	watcher_start();
	return 0;
}

static const struct option restore_options[] = {
	{ "passphrase-fd", required_argument, NULL, OPT_FD },
	{ "replace", no_argument, NULL, OPT_REPLACE },
	{ "system", no_argument, NULL, OPT_SYSTEM },
	{ NULL, 0, NULL, 0 },
};

int verb_restore(struct client *c, int argc, char **argv, struct failure *f)
{
	struct restore r = { 0 };
	bool first = true;
	int opt, fd = -1;

	while ((opt = next_option(&first, argc, argv, ":", restore_options, f)) != -1) {
		if (opt == '?' || (opt == OPT_FD && passphrase_fd_option(optarg, &fd, f) != 0))
			return -1;
		r.replace = r.replace || opt == OPT_REPLACE;
		if (opt == OPT_SYSTEM)
			c->where = DIAL_SYSTEM;
	}
	if (want_words(argc, argv, 1, f) != 0)
		return -1;
	return restore(c, argv[optind], fd, &r, f) == 0 ? EXIT_DONE : -1;
}
