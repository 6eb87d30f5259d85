/*
 * client/rekey.c - ccctl rekey: another vault key, and the slots that stay.
 *
 * A slot stays when its key is at hand: typed, fetched, or made anew and sealed
 * again (keyfiles to the hosts whose public keys their slots keep, credentials
 * to a file).  What is not dropped by name and cannot be kept is an error
 * before anything is changed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/common.h"
#include "client/slots/slots.h"
#include "client/common/terminal.h"
#include "vault/crypto.h"
#include "vault/keytext.h"
#include "vault/recovery.h"

#define ITEM (4 + KEY_LEN) /* of the request's "keys" */

struct rekey {
	int pass_fd;
	struct secret pass; /* what came on pass_fd */
	const char *out;    /* directory for keyfiles of other hosts and credentials */
	uint32_t drop[VAULT_SLOTS_MAX];
	unsigned drops;
	struct slots slots;
	struct secret keys; /* ITEM bytes a slot that stays */
	unsigned kept;
	uint8_t keyfile[KEYFILE_LEN]; /* this host's */
	bool has_keyfile;
	char written[VAULT_SLOTS_MAX][PATH_SIZE]; /* files that are no use if it fails */
	unsigned files;
	bool sent; /* the broker was asked: from here on it may be done */
};

static bool dropped(const struct rekey *r, uint32_t id)
{
	unsigned i;

	for (i = 0; i < r->drops; i++)
		if (r->drop[i] == id)
			return true;
	return false;
}

static void keep(struct rekey *r, uint32_t id, const uint8_t *key)
{
	uint8_t *p = r->keys.p + r->kept++ * ITEM;

	p[0] = (uint8_t)(id & 0xff);
	p[1] = (uint8_t)(id >> 8 & 0xff);
	p[2] = (uint8_t)(id >> 16 & 0xff);
	p[3] = (uint8_t)(id >> 24);
	memcpy(p + 4, key, KEY_LEN);
	r->keys.n += ITEM;
}

static int cannot_keep(const struct slot_view *s, struct failure *f)
{
	struct failure why = *f;

	fail_set(f, why.code, NULL, "slot %" PRIu32 " (%s, %.40s) cannot be kept: %.180s", s->id,
		 slot_kind_name(s->kind), s->label, why.what);
	fail_hint(f, "have its key at hand, or let it go: ccctl rekey --drop %" PRIu32, s->id);
	return -1;
}

/* Does the key open that slot?  It opens the vault, which is open. */
static int check_key(struct client *c, uint32_t id, const uint8_t *key, struct failure *f)
{
	struct wire_out *o = wire_request("unlock");

	wire_uint(o, "slot", id);
	wire_secret(o, "key", key, KEY_LEN);
	return client_call(c, o, f);
}

/* ---- the kinds ---- */

static int type_key(struct client *c, struct rekey *r, const struct slot_view *s, struct secret *key,
		    struct failure *f)
{
	struct secret typed = { 0 };
	char prompt[160];
	int made = -1;

	snprintf(prompt, sizeof(prompt), "%s of slot %" PRIu32 " (%s): ",
		 s->kind == SLOT_RECOVERY ? "Recovery code" : "Passphrase", s->id, s->label);
	if (secret_new(c, &typed, PASSPHRASE_MAX + 1, f) != 0)
		return -1;
	if (s->kind == SLOT_PASSPHRASE && r->pass_fd >= 0) {
		made = kdf_derive(&s->kdf, r->pass.p, r->pass.n, key->p, f);
	} else if (terminal_secret(prompt, &typed, f) == 0) {
		made = s->kind == SLOT_RECOVERY ? recovery_parse((const char *)typed.p, typed.n, key->p, f)
						: kdf_derive(&s->kdf, typed.p, typed.n, key->p, f);
	}
	secret_free(c, &typed);
	if (made != 0 || client_connect(c, true, f) != 0)
		return -1;
	return check_key(c, s->id, key->p, f);
}

/* A file that is not there yet, in --out. */
static int write_out(struct rekey *r, const struct slot_view *s, const char *ending, const void *p, size_t n,
		     struct failure *f)
{
	char clean[SLOT_LABEL_MAX + 1], *path = r->written[r->files];
	size_t i;

	if (!r->out)
		return fail_set(f, FAIL_USAGE, NULL, "its new key goes into a file: --out DIRECTORY");
	for (i = 0; s->label[i]; i++)
		clean[i] = strchr("/ \\'\"", s->label[i]) ? '-' : s->label[i];
	clean[i] = '\0';
	if (snprintf(path, PATH_SIZE, "%s/%" PRIu32 "-%s.%s", r->out, s->id, clean, ending) >= PATH_SIZE)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the path of its new key is too long");
	if (io_new_file(path, p, n, NULL, f) != 0)
		return -1;
	r->files++;
	return 0;
}

/* A fresh key, sealed to the host that the slot names. */
static int seal_key(struct client *c, struct rekey *r, const struct slot_view *s, struct secret *key,
		    struct failure *f)
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
	return write_out(r, s, "keyfile", sealed, sizeof(sealed), f);
}

static int write_credential(struct client *c, struct rekey *r, const struct slot_view *s,
			    struct secret *key, struct failure *f)
{
	struct secret text = { 0 };
	int done;

	random_fill(key->p, KEY_LEN);
	if (secret_new(c, &text, KEYTEXT_MAX, f) != 0)
		return -1;
	text.n = keytext_format(r->slots.vault, s->id, key->p, (char *)text.p);
	done = write_out(r, s, "credential", text.p, text.n, f);
	secret_free(c, &text);
	return done;
}

static int keep_slot(struct client *c, struct rekey *r, const struct slot_view *s, struct failure *f)
{
	struct secret key = { 0 };
	int done = -1;

	if (secret_new(c, &key, KEY_LEN, f) != 0 || client_connect(c, true, f) != 0)
		goto out;
	switch (s->kind) {
	case SLOT_PASSPHRASE:
	case SLOT_RECOVERY:
		done = type_key(c, r, s, &key, f);
		break;
	case SLOT_KEYRING:
	case SLOT_TPM2:
		done = slot_key_fetch(c, &r->slots, s, true, &key, f);
		if (done == 0)
			done = client_connect(c, true, f) == 0 ? check_key(c, s->id, key.p, f) : -1;
		break;
	case SLOT_KEYFILE:
		done = seal_key(c, r, s, &key, f);
		break;
	case SLOT_CREDENTIAL:
		done = write_credential(c, r, s, &key, f);
		break;
	}
	if (done == 0)
		keep(r, s->id, key.p);
out:
	secret_free(c, &key);
	return done == 0 ? 0 : cannot_keep(s, f);
}

/* ---- all of it ---- */

static int check_drops(const struct rekey *r, struct failure *f)
{
	unsigned i;

	for (i = 0; i < r->drops; i++)
		if (!slots_find(&r->slots, r->drop[i]))
			return fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows them",
					"there is no slot %" PRIu32, r->drop[i]);
	if (r->drops >= r->slots.n)
		return fail_set(f, FAIL_POLICY, "keep one, or add another first: ccctl slot add KIND",
				"without any slot nothing opens the vault");
	return 0;
}

/* A slot that came while a person was typing would go without a word. */
static int check_same(struct client *c, const struct rekey *r, struct failure *f)
{
	static struct slots now; /* pages of public numbers: not on the stack */

	if (slots_fetch(c, &now, f) != 0)
		return -1;
	if (now.next == r->slots.next && now.n == r->slots.n)
		return 0;
	return fail_set(f, FAIL_CHANGED, "try again", "the slots were changed meanwhile");
}

static int send_rekey(struct client *c, struct rekey *r, struct failure *f)
{
	struct wire_out *o;

	if (client_connect(c, true, f) != 0 || check_same(c, r, f) != 0)
		return -1;
	r->sent = true;
	o = wire_request("rekey");
	wire_uint(o, "expect", r->slots.next);
	if (r->has_keyfile)
		wire_bin(o, "keyfile", r->keyfile, sizeof(r->keyfile));
	wire_secret(o, "keys", r->keys.p, r->keys.n);
	return client_call(c, o, f);
}

/* Last, so that who gives up at a prompt leaves none behind. */
static bool makes_file(const struct slot_view *s)
{
	return s->kind == SLOT_KEYFILE || s->kind == SLOT_CREDENTIAL;
}

static int keep_all(struct client *c, struct rekey *r, bool files, struct failure *f)
{
	const struct slot_view *s;
	unsigned i;

	for (i = 0; i < r->slots.n; i++) {
		s = &r->slots.slot[i];
		if (makes_file(s) == files && !dropped(r, s->id) && keep_slot(c, r, s, f) != 0)
			return -1;
	}
	return 0;
}

static int rekey(struct client *c, struct rekey *r, struct failure *f)
{

	if (r->pass_fd >= 0 && (secret_new(c, &r->pass, PASSPHRASE_MAX + 1, f) != 0 ||
				secret_from_fd(r->pass_fd, &r->pass, f) != 0))
		return -1;
	if (vault_ready(c, r->pass_fd >= 0 ? &r->pass : NULL, f) != 0 || slots_fetch(c, &r->slots, f) != 0 ||
	    check_drops(r, f) != 0 ||
	    secret_new(c, &r->keys, (size_t)VAULT_SLOTS_MAX * ITEM, f) != 0)
		return -1;
	if (keep_all(c, r, false, f) != 0 || keep_all(c, r, true, f) != 0)
		return -1;
	return send_rekey(c, r, f);
}

/*
 * Keys that open nothing are not left lying about.  But the vault may have
 * them: no answer came, or the broker failed after it was written.
 */
static void take_back(struct client *c, const struct rekey *r)
{
	static struct slots now; /* pages of public numbers: not on the stack */
	bool unchanged = !r->sent || (client_connect(c, true, NULL) == 0 && slots_fetch(c, &now, NULL) == 0 &&
				      now.generation == r->slots.generation);
	unsigned i;

	for (i = 0; i < r->files; i++)
		if (unchanged)
			unlink(r->written[i]);
		else
			say("note: the vault may have its new key, which this opens then, so it stays: %s", r->written[i]);
}

static void tell(const struct rekey *r)
{
	unsigned i;

	say("the vault has another key; %u of %u slots were kept", r->kept, r->slots.n);
	for (i = 0; i < r->files; i++)
		say("wrote %s", r->written[i]);
	if (r->files > 0)
		say("note: other hosts need their new keyfile and the new vault file, both; until then theirs go "
		    "on opening their old copy");
	say("note: a token that somebody has seen is not called back by this: replace it at its provider");
	slots_warn(r->kept);
}

enum { OPT_FD = 256, OPT_DROP, OPT_OUT };

static const struct option options[] = {
	{ "passphrase-fd", required_argument, NULL, OPT_FD },
	{ "drop", required_argument, NULL, OPT_DROP },
	{ "out", required_argument, NULL, OPT_OUT },
	{ NULL, 0, NULL, 0 },
};

static int parse(int argc, char **argv, struct rekey *r, struct failure *f)
{
	bool first = true;
	long id;
	int opt;

	r->pass_fd = -1;
	while ((opt = next_option(&first, argc, argv, ":", options, f)) != -1) {
		if (opt == '?' || (opt == OPT_FD && passphrase_fd_option(optarg, &r->pass_fd, f) != 0))
			return -1;
		if (opt == OPT_OUT)
			r->out = optarg;
		if (opt != OPT_DROP)
			continue;
		if (number_option(optarg, 1, UINT32_MAX, "a slot's number", &id, f) != 0)
			return -1;
		if (r->drops == VAULT_SLOTS_MAX)
			return fail_set(f, FAIL_USAGE, NULL, "--drop: more than there are slots");
		r->drop[r->drops++] = (uint32_t)id;
	}
	return want_words(argc, argv, 0, f);
}

int verb_rekey(struct client *c, int argc, char **argv, struct failure *f)
{
	static struct rekey r; /* pages of it: not on the stack */
	int done;

	if (parse(argc, argv, &r, f) != 0)
		return -1;
	done = rekey(c, &r, f);
	if (done != 0)
		take_back(c, &r);
	secret_free(c, &r.pass);
	secret_free(c, &r.keys);
	if (done != 0)
		return -1;
	tell(&r);
	return EXIT_DONE;
}
