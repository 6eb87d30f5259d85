/*
 * client/restore.c - ccctl restore: make the vault from a backup.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/ask.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/secret.h"
#include "client/common/terminal.h"
#include "client/slots/person.h"
#include "client/slots/slot_key.h"
#include "client/slots/slots.h"
#include "client/slots/transfer.h"
#include "client/verbs.h"
#include "spec/spec.h"

struct restore {
	uint8_t *p; /* the backup file */
	size_t n;
	bool replace;  /* set an existing vault aside */
	bool replaces; /* there is one, which the person has opened */
};

/* A slot_try: restoring is how the broker tells whether the key opens the file. */
static int restore_with_key(struct client *c, uint32_t id, const uint8_t *key, void *arg,
			    struct failure *f)
{
	const struct restore *r = arg;
	struct wire_out *o;

	if (transfer_send(c, r->p, r->n, f) != 0)
		return -1;
	o = wire_request("restore");
	wire_put_uint(o, "slot", id);
	wire_put_bool(o, "replace", r->replace);
	wire_put_bool(o, "rekey", true);
	wire_put_secret(o, "key", key, KEY_LEN);
	return r->replaces ? person_call(c, o, f) : client_call(c, o, f);
}

/* An existing vault is set aside only if the person says so. */
static int restore_settle_existing(struct client *c, struct restore *r, struct failure *f)
{
	if (client_connect(c, true, f) != 0)
		return -1;
	/* The system broker's vault would hide the user's own. */
	if (strcmp(c->state, "none") == 0 && c->dial.system && user_vault_file_exists())
		return fail_set(f, FAIL_EXISTS, "ccctl move system",
				"your own broker has a vault already");
	if (strcmp(c->state, "none") == 0 || r->replace)
		return 0;
	fail_set(f, FAIL_EXISTS, "--replace sets it aside as vault.replaced",
		 "there is a vault already: %s", c->vault);
	if (!terminal_asks())
		return -1;
	if (terminal_yes("there is a vault already: set it aside, and put the backup in its place?",
			 &r->replace, f) != 0)
		return -1;
	return r->replace ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

/* Who sets a vault aside must be able to open it, unless it is damaged and nobody is. */
static int restore_identify(struct client *c, struct restore *r, struct failure *f)
{
	r->replaces = strcmp(c->state, "none") != 0;
	if (!r->replaces || person_identify(c, f) == 0)
		return 0;
	r->replaces = false;
	if (f->code == FAIL_DAMAGED || f->code == FAIL_TRUNCATED)
		return 0;
	if (f->code == FAIL_PERSON || f->code == FAIL_WRONG_KEY)
		fail_hint(f,
			  "if it cannot be given: ccctl lock, move the vault's file away (%s), "
			  "and restore without --replace",
			  c->vault);
	return -1;
}

static int restore_ask(struct client *c, const struct slots *s, int fd, struct restore *r,
		       struct failure *f)
{
	struct ask q = { .prompt = "Passphrase of the backup: ", .field = "Passphrase" };
	struct secret typed = { 0 };
	int i, done = -1;

	if (secret_new(c, &typed, PASSPHRASE_MAX + 1, f) != 0)
		return -1;
	for (i = 0; i < TRIES && done != 0; i++) {
		if ((fd >= 0 ? secret_from_fd(fd, &typed, f) : ask_secret(&q, &typed, f)) != 0)
			break;
		done = slot_key_typed(c, s, &typed, restore_with_key, r, f);
		if (done != 0 && (fd >= 0 || f->code != FAIL_WRONG_KEY))
			break;
		q.wrong = "Wrong passphrase";
	}
	secret_free(c, &typed);
	return done;
}

static int restore_run(struct client *c, const char *file, int fd, struct restore *r,
		       struct failure *f)
{
	static struct slots s;
	uint64_t entries = 0;
	int done = -1;

	if (transfer_read(file, &r->p, &r->n, f) != 0)
		return -1;
	if (transfer_slots(r->p, r->n, &s, f) == 0 && restore_settle_existing(c, r, f) == 0 &&
	    restore_identify(c, r, f) == 0)
		done = restore_ask(c, &s, fd, r, f);
	free(r->p);
	if (done != 0)
		return -1;
	wire_get_uint(c->dial.in.top, "entries", &entries, NULL);
	say("restored %" PRIu64
	    " %s from %s; its passphrase opens the vault now, and nothing else does",
	    entries, entries == 1 ? "key" : "keys", file);
	if (r->replace)
		say("the old vault was kept in the same directory as vault.replaced");
	/* A file that opens with the passphrase may be a vault that others could open, and wrote. */
	if (c->dial.system)
		entries_say_seals(c);
	slots_warn_of_last(1);
	client_watch(c);
	return 0;
}

int verb_restore(struct client *c, int argc, char **argv, struct failure *f)
{
	struct restore r = { 0 };
	bool first = true;
	int opt, fd = -1, vault_fd = -1;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' ||
		    (opt == OPTION_PASSPHRASE_FD && passphrase_fd_option(optarg, &fd, f) != 0) ||
		    (opt == OPTION_VAULT_PASSPHRASE_FD &&
		     passphrase_fd_option(optarg, &vault_fd, f) != 0))
			return -1;
		r.replace = r.replace || opt == OPTION_REPLACE;
		if (opt == OPTION_SYSTEM)
			c->where = DIAL_SYSTEM;
	}
	if (require_words(argc, argv, 1, f) != 0 || person_read_fd(c, vault_fd, f) != 0)
		return -1;
	return restore_run(c, argv[optind], fd, &r, f) == 0 ? EXIT_DONE : -1;
}
