/*
 * client/rekey.c - ccctl rekey: encrypt the vault with a new vault key.
 *
 * Every slot must wrap the new key, so every slot's key is needed: typed, fetched, or
 * made new (a keyfile sealed to the host whose public key its slot has, a credential
 * in a file).  A slot that cannot be kept and is not dropped by name is an error,
 * before anything is changed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/ask.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/secret.h"
#include "client/common/terminal.h"
#include "client/slots/person.h"
#include "client/slots/slot_key.h"
#include "client/slots/slots.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "spec/spec.h"
#include "vault/keyfile.h"
#include "vault/crypto.h"
#include "vault/keytext.h"
#include "vault/slot.h"

#define REKEY_ITEM \
	(4 +       \
	 KEY_LEN) /* bytes in the request's "keys": a slot's number, little-endian, and its key */

struct rekey {
	int pass_fd;
	const char *out; /* --out: directory for credentials and keyfiles of other hosts */
	uint32_t drop[VAULT_SLOTS_MAX];
	unsigned drops;
	struct slots slots;
	struct secret keys; /* REKEY_ITEM bytes for each slot that is kept */
	unsigned kept;
	uint8_t keyfile[KEYFILE_LEN]; /* for this host */
	bool has_keyfile;
	char written[VAULT_SLOTS_MAX][PATH_SIZE]; /* files in out: removed if it fails */
	unsigned files;
	bool sent; /* the broker was asked, so it may have the new key even if no answer came */
};

static bool rekey_drops(const struct rekey *r, uint32_t id)
{
	unsigned i;

	for (i = 0; i < r->drops; i++)
		if (r->drop[i] == id)
			return true;
	return false;
}

static void rekey_add_key(struct rekey *r, uint32_t id, const uint8_t *key)
{
	uint8_t *p = r->keys.p + r->kept++ * REKEY_ITEM;

	p[0] = (uint8_t)(id & 0xff);
	p[1] = (uint8_t)(id >> 8 & 0xff);
	p[2] = (uint8_t)(id >> 16 & 0xff);
	p[3] = (uint8_t)(id >> 24);
	memcpy(p + 4, key, KEY_LEN);
	r->keys.n += REKEY_ITEM;
}

static int rekey_fail_slot(const struct slot_view *s, struct failure *f)
{
	struct failure why = *f;

	fail_set(f, why.code, NULL, "slot %" PRIu32 " (%s, %.40s) cannot be kept: %.180s", s->id,
		 slot_kind_name(s->kind), s->label, why.what);
	fail_hint(f, "make its key available, or drop the slot: ccctl rekey --drop %" PRIu32,
		  s->id);
	return -1;
}

/* ---- the kinds ---- */

/*
 * A slot_try, whose argument takes the key.  By `person`, which is of the open vault: `unlock` would
 * read its file, which another program may have put an older copy in the place of.
 */
static int rekey_try_key(struct client *c, uint32_t id, const uint8_t *key, void *arg,
			 struct failure *f)
{
	struct secret *out = arg;

	/* The broker may have closed an idle connection during the prompt. */
	if (client_connect(c, true, f) != 0 || person_prove(c, id, key, f) != 0)
		return -1;
	memcpy(out->p, key, KEY_LEN);
	return person_remember(c, id, out->p, f);
}

static int rekey_type_key(struct client *c, const struct slot_view *s, struct secret *key,
			  struct failure *f)
{
	static struct slots one; /* several pages: not on the stack */
	char prompt[160];
	struct ask q = { .prompt = prompt,
			 .field = s->kind == SLOT_RECOVERY ? "Recovery code" : "Passphrase" };
	struct secret typed = { 0 };
	int made = -1;

	snprintf(prompt, sizeof(prompt), "%s of slot %" PRIu32 " (%s): ", q.field, s->id, s->label);
	if (secret_new(c, &typed, PASSPHRASE_MAX + 1, f) != 0)
		return -1;
	one.n = 1;
	one.slot[0] = *s;
	if (c->person_key.p && c->person_slot == s->id)
		made = rekey_try_key(c, s->id, c->person_key.p, key, f);
	else if (s->kind == SLOT_PASSPHRASE && c->given.p)
		made = slot_key_typed(c, &one, &c->given, rekey_try_key, key, f);
	else if (ask_secret(&q, &typed, f) == 0)
		made = slot_key_typed(c, &one, &typed, rekey_try_key, key, f);
	secret_free(c, &typed);
	return made;
}

/* The key that a keyring or TPM gave is the slot's: that it shows no person is told of no other. */
static int rekey_check_fetched(struct client *c, uint32_t id, const struct secret *key,
			       struct failure *f)
{
	if (client_connect(c, true, f) != 0)
		return -1;
	if (person_prove(c, id, key->p, f) == 0 || f->code == FAIL_PERSON) {
		f->code = FAIL_NONE;
		return 0;
	}
	return -1;
}

/* Write a new file into --out: "ID-LABEL.ending". */
static int rekey_write_file(struct rekey *r, const struct slot_view *s, const char *ending,
			    const void *p, size_t n, struct failure *f)
{
	char clean[SLOT_LABEL_MAX + 1], *path = r->written[r->files];
	size_t i;

	if (!r->out)
		return fail_set(f, FAIL_USAGE, NULL,
				"its new key goes into a file: --out DIRECTORY");
	for (i = 0; s->label[i]; i++)
		clean[i] = strchr("/ \\'\"", s->label[i]) ? '-' : s->label[i];
	clean[i] = '\0';
	if (snprintf(path, PATH_SIZE, "%s/%" PRIu32 "-%s.%s", r->out, s->id, clean, ending) >=
	    PATH_SIZE)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the path of its new key is too long");
	if (io_create_file(path, p, n, NULL, f) != 0)
		return -1;
	r->files++;
	return 0;
}

/* Make a new key, sealed to the host whose public key the slot has. */
static int rekey_seal_key(struct client *c, struct rekey *r, const struct slot_view *s,
			  struct secret *key, struct failure *f)
{
	struct keyfile_info info = { .slot = s->id };
	uint8_t sealed[KEYFILE_LEN];
	size_t n = HOST_PUBLIC_LEN;
	const uint8_t *own;
	bool here = false;

	if (slot_material(c, s->id, info.host, &n, f) != 0)
		return -1;
	if (n != HOST_PUBLIC_LEN)
		return fail_set(f, FAIL_DAMAGED, NULL, "the slot does not say to which host");
	if (client_call(c, wire_request("host"), f) == 0 &&
	    wire_get_bin(c->dial.in.top, "public", &own, &n, f) == 0)
		here = n == HOST_PUBLIC_LEN && memcmp(own, info.host, n) == 0 && !r->has_keyfile;
	memcpy(info.vault, r->slots.vault, VAULT_ID_LEN);
	random_fill(key->p, KEY_LEN);
	if (keyfile_seal(&info, key->p, sealed) != 0)
		return fail_set(f, FAIL_DAMAGED, NULL, "the slot's host has no public key");
	if (here) {
		memcpy(r->keyfile, sealed, sizeof(sealed));
		r->has_keyfile = true;
		return 0;
	}
	return rekey_write_file(r, s, "keyfile", sealed, sizeof(sealed), f);
}

static int rekey_write_credential(struct client *c, struct rekey *r, const struct slot_view *s,
				  struct secret *key, struct failure *f)
{
	struct secret text = { 0 };
	int done;

	random_fill(key->p, KEY_LEN);
	if (secret_new(c, &text, KEYTEXT_MAX, f) != 0)
		return -1;
	text.n = keytext_format(r->slots.vault, s->id, key->p, (char *)text.p);
	done = rekey_write_file(r, s, "credential", text.p, text.n, f);
	secret_free(c, &text);
	return done;
}

static int rekey_keep_slot(struct client *c, struct rekey *r, const struct slot_view *s,
			   struct failure *f)
{
	struct secret key = { 0 };
	int done = -1;

	if (secret_new(c, &key, KEY_LEN, f) != 0 || client_connect(c, true, f) != 0)
		goto out;
	switch (s->kind) {
	case SLOT_PASSPHRASE:
	case SLOT_RECOVERY:
		done = rekey_type_key(c, s, &key, f);
		break;
	case SLOT_KEYRING:
	case SLOT_TPM2:
		done = slot_key_fetch(c, &r->slots, s, true, &key, f);
		if (done == 0)
			done = rekey_check_fetched(c, s->id, &key, f);
		break;
	case SLOT_KEYFILE:
		done = rekey_seal_key(c, r, s, &key, f);
		break;
	case SLOT_CREDENTIAL:
		done = rekey_write_credential(c, r, s, &key, f);
		break;
	}
	if (done == 0)
		rekey_add_key(r, s->id, key.p);
out:
	secret_free(c, &key);
	return done == 0 ? 0 : rekey_fail_slot(s, f);
}

/* ---- all of it ---- */

static int rekey_check_drops(const struct rekey *r, struct failure *f)
{
	unsigned i;

	for (i = 0; i < r->drops; i++)
		if (!slots_find(&r->slots, r->drop[i]))
			return fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows them",
					"there is no slot %" PRIu32, r->drop[i]);
	if (r->drops >= r->slots.n)
		return fail_set(f, FAIL_POLICY,
				"keep one, or add another first: ccctl slot add KIND",
				"without any slot nothing opens the vault");
	if (slots_count(&r->slots, SLOT_PASSPHRASE) + slots_count(&r->slots, SLOT_RECOVERY) == 0)
		return slot_fail_no_person(false, false, f);
	for (i = 0; i < r->slots.n; i++)
		if (slot_kind_is_persons(r->slots.slot[i].kind) &&
		    !rekey_drops(r, r->slots.slot[i].id))
			return 0;
	return fail_set(f, FAIL_POLICY, "keep the passphrase, or a recovery code",
			"neither passphrase nor recovery code would be left: the keys could not be "
			"read or changed any more");
}

/* A slot that was added while a person was typing would be lost silently. */
static int rekey_check_unchanged(struct client *c, const struct rekey *r, struct failure *f)
{
	static struct slots now; /* several pages: not on the stack */

	if (slots_fetch(c, &now, f) != 0)
		return -1;
	if (now.next == r->slots.next && now.n == r->slots.n)
		return 0;
	return fail_set(f, FAIL_CHANGED, "try again", "the slots were changed meanwhile");
}

static int rekey_send(struct client *c, struct rekey *r, struct failure *f)
{
	struct wire_out *o;

	if (client_connect(c, true, f) != 0 || rekey_check_unchanged(c, r, f) != 0)
		return -1;
	r->sent = true;
	o = wire_request("rekey");
	wire_put_uint(o, "expect", r->slots.next);
	if (r->has_keyfile)
		wire_put_bin(o, "keyfile", r->keyfile, sizeof(r->keyfile));
	wire_put_secret(o, "keys", r->keys.p, r->keys.n);
	return person_call(c, o, f);
}

/* These slots come last, so that giving up at a prompt leaves no files behind. */
static bool rekey_makes_file(const struct slot_view *s)
{
	return s->kind == SLOT_KEYFILE || s->kind == SLOT_CREDENTIAL;
}

static int rekey_keep_slots(struct client *c, struct rekey *r, bool files, struct failure *f)
{
	const struct slot_view *s;
	unsigned i;

	for (i = 0; i < r->slots.n; i++) {
		s = &r->slots.slot[i];
		if (rekey_makes_file(s) == files && !rekey_drops(r, s->id) &&
		    rekey_keep_slot(c, r, s, f) != 0)
			return -1;
	}
	return 0;
}

/* What was given on a descriptor shows the person; on a terminal the first slot does. */
static int rekey_identify(struct client *c, const struct rekey *r, struct failure *f)
{
	if (c->given.p)
		return person_identify(c, f);
	if (ask_possible())
		return 0;
	return slot_fail_no_person(slots_count(&r->slots, SLOT_PASSPHRASE) > 0,
				   slots_count(&r->slots, SLOT_RECOVERY) > 0, f);
}

static int rekey_run(struct client *c, struct rekey *r, struct failure *f)
{
	if (person_read_fd(c, r->pass_fd, f) != 0 || vault_open_for_person(c, f) != 0 ||
	    slots_fetch(c, &r->slots, f) != 0 || rekey_check_drops(r, f) != 0 ||
	    rekey_identify(c, r, f) != 0 ||
	    secret_new(c, &r->keys, (size_t)VAULT_SLOTS_MAX * REKEY_ITEM, f) != 0)
		return -1;
	if (rekey_keep_slots(c, r, false, f) != 0 || rekey_keep_slots(c, r, true, f) != 0)
		return -1;
	return rekey_send(c, r, f);
}

/*
 * Rekeying failed: remove the files with new keys, unless the vault may have those
 * keys (no answer came, or the broker failed after it wrote the vault).
 */
static void rekey_remove_files(struct client *c, const struct rekey *r)
{
	static struct slots now; /* several pages: not on the stack */
	bool unchanged = !r->sent ||
			 (client_connect(c, true, NULL) == 0 && slots_fetch(c, &now, NULL) == 0 &&
			  now.generation == r->slots.generation);
	unsigned i;

	for (i = 0; i < r->files; i++)
		if (unchanged)
			unlink(r->written[i]);
		else
			say("note: the vault may already have its new key, which this file then "
			    "opens; kept %s",
			    r->written[i]);
}

static void rekey_print_result(const struct rekey *r)
{
	unsigned i;

	say("the vault has a new key; %u of %u slots were kept", r->kept, r->slots.n);
	for (i = 0; i < r->files; i++)
		say("wrote %s", r->written[i]);
	if (r->files > 0)
		say("note: other hosts need both their new keyfile and the new vault file; until "
		    "then their old keyfile opens their old copy");
	say("note: this does not undo that somebody has read a provider's key: replace such a key "
	    "at its provider");
	slots_warn_of_last(r->kept);
}

static int rekey_parse(int argc, char **argv, struct rekey *r, struct failure *f)
{
	bool first = true;
	long id;
	int opt;

	r->pass_fd = -1;
	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' || (opt == OPTION_PASSPHRASE_FD &&
				   passphrase_fd_option(optarg, &r->pass_fd, f) != 0))
			return -1;
		if (opt == OPTION_OUT)
			r->out = optarg;
		if (opt != OPTION_DROP)
			continue;
		if (number_option(optarg, 1, UINT32_MAX, "a slot's number", &id, f) != 0)
			return -1;
		if (r->drops == VAULT_SLOTS_MAX)
			return fail_set(f, FAIL_USAGE, NULL, "--drop: more than there are slots");
		r->drop[r->drops++] = (uint32_t)id;
	}
	return require_words(argc, argv, 0, f);
}

int verb_rekey(struct client *c, int argc, char **argv, struct failure *f)
{
	static struct rekey r; /* several pages: not on the stack */
	int done;

	if (rekey_parse(argc, argv, &r, f) != 0)
		return -1;
	done = rekey_run(c, &r, f);
	if (done != 0)
		rekey_remove_files(c, &r);
	secret_free(c, &r.keys);
	if (done != 0)
		return -1;
	rekey_print_result(&r);
	return EXIT_DONE;
}
