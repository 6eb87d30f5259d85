/*
 * client/slots/slot_key.c - the key of a slot that exists: from the keyring, the TPM, a
 * keyfile, or what was typed.
 */
#include "client/slots/slot_key.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/progress.h"
#include "client/common/ask.h"
#include "client/common/connection.h"
#include "client/common/output.h"
#include "client/common/passphrase.h"
#include "client/common/secret.h"
#include "client/slots/host_key.h"
#include "client/slots/slots.h"
#include "start/helper.h"
#include "vault/crypto.h"
#include "vault/keytext.h"
#include "vault/recovery.h"
#include "vault/kdf.h"
#include "vault/slot.h"

#define QUIET_PATIENCE_MS 15000	  /* the helpers give up earlier, and say why */
#define PROMPT_PATIENCE_MS 180000 /* a person reads and answers a dialog */

static void keyring_arguments(const uint8_t vault[VAULT_ID_LEN], uint32_t id,
			      char hex[VAULT_ID_LEN * 2 + 1], char number[16])
{
	hex_encode(hex, vault, VAULT_ID_LEN);
	snprintf(number, 16, "%" PRIu32, id);
}

static int slot_key_from_keyring(struct client *c, const struct slots *all,
				 const struct slot_view *s, bool prompt, struct secret *key,
				 struct failure *f)
{
	char hex[VAULT_ID_LEN * 2 + 1], number[16];
	const char *argv[] = { "ccrun-keyring", "fetch", hex, number, NULL, NULL };
	struct helper h = { .argv = argv,
			    .patience_ms = prompt ? PROMPT_PATIENCE_MS : QUIET_PATIENCE_MS };
	uint8_t vault[VAULT_ID_LEN];
	struct secret text = { 0 };
	uint32_t id;
	int r = -1;

	keyring_arguments(all->vault, s->id, hex, number);
	if (prompt) {
		argv[2] = "--prompt";
		argv[3] = hex;
		argv[4] = number;
	}
	if (secret_new(c, &text, HELPER_MAX, f) != 0)
		return -1;
	if (helper_run(&h, text.p, text.room, &text.n, f) == 0 &&
	    keytext_parse((const char *)text.p, text.n, vault, &id, key->p, f) == 0) {
		key->n = KEY_LEN;
		r = 0;
		if (id != s->id || memcmp(vault, all->vault, VAULT_ID_LEN) != 0)
			r = fail_set(f, FAIL_WRONG_KEY,
				     "ccctl slot rm it, then ccctl slot add keyring",
				     "the item in the keyring belongs to another slot");
	}
	secret_free(c, &text);
	return r;
}

static int slot_key_from_tpm(struct client *c, const struct slot_view *s, struct secret *key,
			     struct failure *f)
{
	static const char *const argv[] = { "ccrun-tpm2", "unseal", NULL };
	uint8_t blob[SLOT_MATERIAL_MAX];
	struct iovec in = { blob, sizeof(blob) };
	struct helper h = { .argv = argv,
			    .in = &in,
			    .in_parts = 1,
			    .hardened = true,
			    .patience_ms = QUIET_PATIENCE_MS };
	struct secret answer = { 0 };
	int r = -1;

	if (slot_material(c, s->id, blob, &in.iov_len, f) != 0)
		return -1;
	if (in.iov_len == 0)
		return fail_set(f, FAIL_DAMAGED, "remove the slot and add it again",
				"slot %u has no sealed key", (unsigned)s->id);
	if (secret_new(c, &answer, HELPER_MAX, f) != 0)
		return -1;
	if (helper_run(&h, answer.p, answer.room, &answer.n, f) == 0) {
		r = answer.n == KEY_LEN ? 0
					: fail_set(f, FAIL_DAMAGED, NULL, "the TPM gave no key");
		if (r == 0)
			memcpy(key->p, answer.p, KEY_LEN);
		key->n = KEY_LEN;
	}
	secret_free(c, &answer);
	return r;
}

int slot_key_fetch(struct client *c, const struct slots *all, const struct slot_view *s,
		   bool prompt, struct secret *key, struct failure *f)
{
	switch (s->kind) {
	case SLOT_KEYRING:
		return slot_key_from_keyring(c, all, s, prompt, key, f);
	case SLOT_TPM2:
		return slot_key_from_tpm(c, s, key, f);
	default:
		return fail_set(f, FAIL_USAGE, NULL, "the key of a %s slot cannot be fetched",
				slot_kind_name(s->kind));
	}
}

void slot_keyring_erase(struct client *c, const uint8_t vault[VAULT_ID_LEN], uint32_t id)
{
	char hex[VAULT_ID_LEN * 2 + 1], number[16];
	const char *argv[] = { "ccrun-keyring", "erase", hex, number, NULL };
	struct helper h = { .argv = argv, .patience_ms = QUIET_PATIENCE_MS };
	struct secret none = { 0 };
	struct failure f = { 0 };

	keyring_arguments(vault, id, hex, number);
	if (secret_new(c, &none, HELPER_MAX, &f) != 0 ||
	    (helper_run(&h, none.p, none.room, &none.n, &f) != 0 && f.code != FAIL_NO_ENTRY))
		say("note: cannot remove the keyring's item of slot %s: %s", number, f.what);
	secret_free(c, &none);
}

int slot_key_from_keyfile(struct client *c, const char *file, const struct slots *all, uint32_t *id,
			  struct secret *key, struct failure *f)
{
	uint8_t bytes[KEYFILE_LEN + 1], public[HOST_PUBLIC_LEN];
	struct secret secret = { 0 };
	struct keyfile_info info;
	ssize_t n;
	int fd, r = -1;

	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail_errno(f, NULL, "%s", file);
	n = io_read_all(fd, bytes, sizeof(bytes), clock_now_ms() + PIPE_DEADLINE_MS);
	close(fd);
	if (n < 0 && errno != EFBIG)
		return fail_errno(f, NULL, "%s", file);
	/* Too long for the buffer: keyfile_inspect refuses that length. */
	if (n < 0)
		n = sizeof(bytes);
	if (keyfile_inspect(bytes, (size_t)n, &info, f) != 0)
		return -1;
	if (memcmp(info.vault, all->vault, VAULT_ID_LEN) != 0)
		return fail_set(f, FAIL_WRONG_KEY,
				"ccctl slot add keyfile makes one for this vault",
				"the keyfile is another vault's");
	if (secret_new(c, &secret, HOST_SEED_LEN, f) == 0 &&
	    host_read(c, public, secret.p, f) == 0 &&
	    keyfile_open(bytes, (size_t)n, public, secret.p, key->p, f) == 0) {
		key->n = KEY_LEN;
		*id = info.slot;
		r = 0;
	}
	secret_free(c, &secret);
	return r;
}

int slot_unlock(struct client *c, uint32_t id, const uint8_t *key, struct failure *f)
{
	struct wire_out *o = wire_request("unlock");

	wire_put_uint(o, "slot", id);
	wire_put_secret(o, "key", key, KEY_LEN);
	return client_call(c, o, f);
}

int slot_derive(const struct kdf_params *p, const struct secret *pass, struct secret *key,
		struct failure *f)
{
	struct progress waits;
	int r;

	progress_begin(&waits, "ccctl", "making the key from the passphrase");
	r = kdf_derive(p, pass->p, pass->n, key->p, f);
	progress_end(&waits);
	return r;
}

/* The prompt, and making the key on a slow machine, may have taken longer than the broker
 * lets a connection be silent. */
static int slot_try_connected(struct client *c, uint32_t id, const uint8_t *key, slot_try *try,
			      void *arg, struct failure *f)
{
	return client_connect(c, true, f) == 0 ? try(c, id, key, arg, f) : -1;
}

static int slot_try_form(struct client *c, const struct slots *all, const struct secret *pass,
			 struct secret *key, slot_try *try, void *arg, struct failure *f)
{
	const struct slot_view *s;
	unsigned i;

	for (i = 0; i < all->n; i++) {
		s = &all->slot[i];
		if (s->kind != SLOT_PASSPHRASE)
			continue;
		if (slot_derive(&s->kdf, pass, key, f) != 0)
			return -1;
		if (slot_try_connected(c, s->id, key->p, try, arg, f) == 0)
			return 0;
		if (f->code != FAIL_WRONG_KEY)
			return -1;
	}
	return fail_set(f, FAIL_WRONG_KEY, "ccctl unlock tries again", "wrong passphrase");
}

/* Try a passphrase in a form that differs from what was typed; 1 without a try where none does. */
static int slot_try_other_form(struct client *c, const struct slots *all, bool composed,
			       const struct secret *typed, struct secret *key, slot_try *try,
			       void *arg, struct failure *f)
{
	struct secret other = { 0 };
	int r = composed ? passphrase_compose(c, typed, &other, f)
			 : passphrase_decompose(c, typed, &other, f);

	if (r > 0)
		r = slot_try_form(c, all, &other, key, try, arg, f);
	else if (r == 0)
		r = 1;
	secret_free(c, &other);
	return r;
}

/*
 * A slot is made of the composed form.  One that is older was made of the bytes as they were
 * typed, on a keyboard of either kind; ASCII has one form and costs one try.
 */
static int slot_try_passphrases(struct client *c, const struct slots *all,
				const struct secret *typed, struct secret *key, slot_try *try,
				void *arg, struct failure *f)
{
	int r = slot_try_other_form(c, all, true, typed, key, try, arg, f);

	if (r == 1 || (r < 0 && f->code == FAIL_WRONG_KEY))
		r = slot_try_form(c, all, typed, key, try, arg, f);
	if (r < 0 && f->code == FAIL_WRONG_KEY) {
		r = slot_try_other_form(c, all, false, typed, key, try, arg, f);
		if (r == 1)
			r = -1; /* f is of the try before */
	}
	return r;
}

static int slot_try_recovery(struct client *c, const struct slots *all, const struct secret *key,
			     slot_try *try, void *arg, struct failure *f)
{
	unsigned i;

	for (i = 0; i < all->n; i++) {
		if (all->slot[i].kind != SLOT_RECOVERY)
			continue;
		if (slot_try_connected(c, all->slot[i].id, key->p, try, arg, f) == 0)
			return 0;
		if (f->code != FAIL_WRONG_KEY)
			return -1;
	}
	return fail_set(f, FAIL_WRONG_KEY, "is it this vault's, and was its slot removed?",
			"no slot opens with this recovery code");
}

int slot_key_typed(struct client *c, const struct slots *all, const struct secret *typed,
		   slot_try *try, void *arg, struct failure *f)
{
	struct failure typing = { 0 };
	struct secret key = { 0 };
	int r = -1;

	if (secret_new(c, &key, KEY_LEN, f) != 0)
		return -1;
	/* A code has a checksum: no passphrase is mistaken for one. */
	if (slots_count(all, SLOT_RECOVERY) > 0 &&
	    recovery_parse((const char *)typed->p, typed->n, key.p, &typing) == 0)
		r = slot_try_recovery(c, all, &key, try, arg, f);
	else if (slots_count(all, SLOT_PASSPHRASE) > 0)
		r = slot_try_passphrases(c, all, typed, &key, try, arg, f);
	else if (slots_count(all, SLOT_RECOVERY) > 0)
		r = fail_set(f, FAIL_WRONG_KEY, typing.hint, "%s", typing.what);
	else
		r = fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows what does",
			     "no passphrase opens this vault");
	secret_free(c, &key);
	return r;
}

/*
 * Where the system broker is down, a person whose vault is there sees that this is another one:
 * whoever runs as the user can put one there, and wait for that.
 */
static const char *slot_prompt(const struct client *c, bool code_only)
{
	bool down = !c->dial.system && dial_system_down();

	if (code_only)
		return down ? "Recovery code for the vault of your own broker (the system's is "
			      "down): "
			    : "Recovery code for your vault: ";
	return down ? "Passphrase for the vault of your own broker (the system's is down): "
		    : "Passphrase for your vault: ";
}

int slot_key_ask(struct client *c, const struct slots *all, slot_typed *try, struct failure *f)
{
	bool code_only = slots_count(all, SLOT_PASSPHRASE) == 0;
	struct ask q = { .prompt = slot_prompt(c, code_only),
			 .field = code_only ? "Recovery code" : "Passphrase" };
	struct secret typed = { 0 };
	char wrong[sizeof(f->what)];
	int i, r = -1;

	if (secret_new(c, &typed, PASSPHRASE_MAX + 1, f) != 0)
		return -1;
	for (i = 0; i < TRIES && r != 0; i++) {
		if (ask_secret(&q, &typed, f) != 0)
			break;
		r = try(c, all, &typed, f);
		if (r != 0 && f->code != FAIL_WRONG_KEY)
			break;
		if (r != 0) {
			snprintf(wrong, sizeof(wrong), "%s",
				 code_only ? f->what : "Wrong passphrase");
			q.wrong = wrong;
		}
	}
	secret_free(c, &typed);
	return r;
}
