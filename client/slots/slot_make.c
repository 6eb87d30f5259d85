/*
 * client/slots/slot_make.c - a new slot: making its key, storing the key, sending the
 * slot to the broker.
 */
#include "client/slots/slot_make.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/utf8.h"
#include "client/common/ask.h"
#include "client/common/connection.h"
#include "client/common/output.h"
#include "client/common/passphrase.h"
#include "client/common/terminal.h"
#include "client/common/terminal_page.h"
#include "client/slots/host_key.h"
#include "client/slots/other_host.h"
#include "client/slots/person.h"
#include "client/slots/slot_key.h"
#include "client/slots/slots.h"
#include "start/helper.h"
#include "start/terminal.h"
#include "vault/crypto.h"
#include "vault/kdf.h"
#include "vault/keytext.h"
#include "vault/recovery.h"
#include "vault/slot.h"

#define HELPER_PATIENCE_MS 15000 /* the helpers give up earlier, and say why */

static int passphrase_check_length(const struct secret *s, struct failure *f)
{
	if (utf8_count((const char *)s->p, s->n) >= PASSPHRASE_LEAST)
		return 0;
	return fail_set(f, FAIL_BAD_VALUE,
			"a few unrelated words are easy to keep and hard to guess",
			"the passphrase is shorter than %d characters", PASSPHRASE_LEAST);
}

/* Ask for a new passphrase, twice. */
static int passphrase_ask_new(struct client *c, bool first, struct secret *s, struct failure *f)
{
	struct ask q = { .prompt = "New passphrase (8 characters or more): ",
			 .field = "New passphrase" };
	struct failure last = { 0 };
	struct secret again = { 0 };
	int i, r = -1;

	if (!ask_possible())
		return fail_set(
			f, FAIL_USAGE,
			"--passphrase-fd N (or --new-passphrase-fd N) reads it from a descriptor",
			"cannot ask for a passphrase: there is no terminal");
	if (secret_new(c, &again, s->room, f) != 0)
		return -1;
	if (first) {
		terminal_say("The passphrase opens your vault, where the keys of your providers "
			     "are kept.");
		terminal_say("Nothing can bring a forgotten passphrase back, and without another "
			     "slot nothing "
			     "opens the vault without it.");
	}
	for (i = 0; i < TRIES && r != 0; i++) {
		r = ask_new_secret(&q, "Once more: ", passphrase_check_length, s, &again, &last);
		if (r != 0 && last.code != FAIL_BAD_VALUE)
			break;
		q.wrong = r == 0 ? NULL : last.what;
	}
	secret_free(c, &again);
	if (r != 0 && f)
		*f = last;
	return r;
}

static int passphrase_read_new(struct client *c, int pass_fd, bool first, struct secret *pass,
			       struct failure *f)
{
	if (secret_new(c, pass, PASSPHRASE_MAX + 1, f) != 0)
		return -1;
	if (pass_fd < 0)
		return passphrase_ask_new(c, first, pass, f);
	return secret_from_fd(pass_fd, pass, f) != 0 ? -1 : passphrase_check_length(pass, f);
}

static int slot_make_passphrase(struct client *c, struct new_slot *s, struct failure *f)
{
	struct secret pass = { 0 }, normal = { 0 };
	int r = -1;

	kdf_fresh(&s->info.kdf);
	/* Marks of their own count as characters while it is asked for. */
	if (passphrase_read_new(c, s->pass_fd, s->first, &pass, f) == 0 &&
	    passphrase_compose(c, &pass, &normal, f) >= 0 &&
	    passphrase_check_length(&normal, f) == 0)
		r = slot_derive(&s->info.kdf, &normal, &s->key, f);
	secret_free(c, &pass);
	secret_free(c, &normal);
	return r;
}

/* The key as the line of text that a keyring or a service manager stores. */
static int slot_key_text(struct client *c, const struct new_slot *s,
			 const uint8_t vault[VAULT_ID_LEN], uint32_t id, struct secret *text,
			 struct failure *f)
{
	if (secret_new(c, text, KEYTEXT_MAX, f) != 0)
		return -1;
	text->n = keytext_format(vault, id, s->key.p, (char *)text->p);
	return 0;
}

static int slot_make_keyring(struct client *c, struct new_slot *s,
			     const uint8_t vault[VAULT_ID_LEN], uint32_t id, struct failure *f)
{
	char hex[VAULT_ID_LEN * 2 + 1], number[16];
	const char *argv[] = { "ccrun-keyring", "store", hex, number, NULL };
	struct iovec in;
	struct helper h = { .argv = argv,
			    .in = &in,
			    .in_parts = 1,
			    .hardened = true,
			    .patience_ms = HELPER_PATIENCE_MS };
	struct secret text = { 0 }, none = { 0 };
	int r = -1;

	random_fill(s->key.p, KEY_LEN);
	hex_encode(hex, vault, VAULT_ID_LEN);
	snprintf(number, sizeof(number), "%" PRIu32, id);
	if (slot_key_text(c, s, vault, id, &text, f) == 0 &&
	    secret_new(c, &none, HELPER_MAX, f) == 0) {
		/* Without the newline. */
		in = (struct iovec){ text.p, text.n - 1 };
		r = helper_run(&h, none.p, none.room, &none.n, f);
	}
	secret_free(c, &text);
	secret_free(c, &none);
	return r;
}

static int slot_make_tpm2(struct client *c, struct new_slot *s, struct failure *f)
{
	static const char *const argv[] = { "ccrun-tpm2", "seal", NULL };
	struct iovec in = { s->key.p, KEY_LEN };
	struct helper h = { .argv = argv,
			    .in = &in,
			    .in_parts = 1,
			    .hardened = true,
			    .patience_ms = HELPER_PATIENCE_MS };
	struct secret blob = { 0 };
	int r;

	random_fill(s->key.p, KEY_LEN);
	if (secret_new(c, &blob, HELPER_MAX, f) != 0)
		return -1;
	r = helper_run(&h, blob.p, blob.room, &blob.n, f);
	if (r == 0 && (blob.n == 0 || blob.n > SLOT_MATERIAL_MAX))
		r = fail_set(f, FAIL_TOO_LARGE, NULL, "the TPM's sealed key has %zu bytes", blob.n);
	if (r == 0) {
		memcpy(s->info.material, blob.p, blob.n);
		s->info.material_len = blob.n;
	}
	secret_free(c, &blob);
	return r;
}

/* This host's public key, from the broker, which will open the keyfile. */
static int slot_own_public(struct client *c, uint8_t public[HOST_PUBLIC_LEN], struct failure *f)
{
	const uint8_t *p;
	size_t n;

	if (client_connect(c, true, f) != 0 || client_call(c, wire_request("host"), f) != 0 ||
	    wire_get_bin(c->dial.in.top, "public", &p, &n, f) != 0)
		return -1;
	if (n != HOST_PUBLIC_LEN)
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"the broker's description of its host is malformed");
	memcpy(public, p, n);
	return 0;
}

/* Never over an existing file: it would be lost if the slot is not added. */
static int slot_write_file(const char *file, const void *p, size_t n, struct failure *f)
{
	return io_create_file(file, p, n, "name a file that is not there yet", f);
}

static int slot_make_keyfile(struct client *c, struct new_slot *s,
			     const uint8_t vault[VAULT_ID_LEN], uint32_t id, struct failure *f)
{
	struct keyfile_info info = { .slot = id };
	char name[HOST_NAME_MAX + 1];

	host_name(name);
	if (s->host) {
		memcpy(info.host, s->host->public, HOST_PUBLIC_LEN);
		memcpy(name, s->host->name, sizeof(name));
	} else if (slot_own_public(c, info.host, f) != 0) {
		return -1;
	}
	random_fill(s->key.p, KEY_LEN);
	memcpy(info.vault, vault, VAULT_ID_LEN);
	if (keyfile_seal(&info, s->key.p, s->keyfile) != 0)
		return fail_set(f, FAIL_BAD_VALUE, "ccctl host show prints it",
				"that is no public key of a host");
	/* So that ccctl rekey can seal another key to the same host. */
	memcpy(s->info.material, info.host, HOST_PUBLIC_LEN);
	s->info.material_len = HOST_PUBLIC_LEN;
	if (!s->label)
		snprintf(s->info.label, sizeof(s->info.label), "%s", name);
	s->has_keyfile = !s->out_file;
	return s->out_file ? slot_write_file(s->out_file, s->keyfile, KEYFILE_LEN, f) : 0;
}

static int slot_make_credential(struct client *c, struct new_slot *s,
				const uint8_t vault[VAULT_ID_LEN], uint32_t id, struct failure *f)
{
	struct secret text = { 0 };
	int r;

	if (!s->out_file && isatty(STDOUT_FILENO))
		return fail_set(
			f, FAIL_USAGE,
			"ccctl slot add credential | systemd-creds encrypt --name=ccrun.key - FILE",
			"the key is not shown on a terminal");
	random_fill(s->key.p, KEY_LEN);
	if (slot_key_text(c, s, vault, id, &text, f) != 0)
		return -1;
	if (s->out_file)
		r = slot_write_file(s->out_file, text.p, text.n, f);
	else if (io_write_all(STDOUT_FILENO, text.p, text.n, clock_now_ms() + PIPE_DEADLINE_MS) !=
		 0)
		r = fail_errno(f, NULL, "write the credential to standard output");
	else
		r = 0;
	secret_free(c, &text);
	return r;
}

/* The code is shown once and must be typed back, to be sure that it was written down. */
static int slot_make_recovery(struct client *c, struct new_slot *s, struct failure *f)
{
	struct ask q = { .prompt = "Type it back (it does not show): ", .field = "Recovery code" };
	struct secret code = { 0 }, typed = { 0 }, key = { 0 };
	struct terminal_page page = {
		.what = "the recovery code",
		.above = "This code opens your vault when everything else is lost. It is shown "
			 "once:\nwrite it down on paper.\n\n    ",
		.n = RECOVERY_TEXT - 1,
		.below = "\n\nPress Enter when it is written down: it goes from the screen. "
	};
	struct failure wrong = { 0 };
	int i, r = -1;

	if (!terminal_exists())
		return fail_set(f, FAIL_USAGE, "run it on a terminal, with something to write on",
				"a recovery code is for a person: there is no terminal");
	if (secret_new(c, &code, RECOVERY_TEXT, f) != 0 ||
	    secret_new(c, &typed, PASSPHRASE_MAX, f) != 0 || secret_new(c, &key, KEY_LEN, f) != 0)
		goto out;
	recovery_make((char *)code.p, s->key.p);
	page.secret = code.p;
	if (terminal_show(&page, &typed, f) != 0)
		goto out;
	fail_set(f, FAIL_BAD_VALUE, "ccctl slot add recovery makes another code",
		 "the code was not typed back, so no slot was added");
	for (i = 0; i < TRIES && r != 0; i++) {
		if (ask_secret(&q, &typed, f) != 0)
			goto out;
		if (recovery_parse((const char *)typed.p, typed.n, key.p, &wrong) != 0)
			q.wrong = wrong.what;
		else if (memcmp(key.p, s->key.p, KEY_LEN) != 0)
			q.wrong = "That is another code";
		else
			r = 0;
	}
	if (r == 0)
		terminal_say("Right.");
out:
	secret_free(c, &code);
	secret_free(c, &typed);
	secret_free(c, &key);
	return r;
}

int slot_make(struct client *c, enum slot_kind kind, struct new_slot *s,
	      const uint8_t vault[VAULT_ID_LEN], uint32_t id, struct failure *f)
{
	memset(&s->info, 0, sizeof(s->info));
	s->info.kind = kind;
	snprintf(s->info.label, sizeof(s->info.label), "%s",
		 s->label ? s->label : slot_kind_name(kind));
	if (secret_new(c, &s->key, KEY_LEN, f) != 0)
		return -1;
	s->key.n = KEY_LEN;
	switch (kind) {
	case SLOT_PASSPHRASE:
		return slot_make_passphrase(c, s, f);
	case SLOT_KEYRING:
		return slot_make_keyring(c, s, vault, id, f);
	case SLOT_KEYFILE:
		return slot_make_keyfile(c, s, vault, id, f);
	case SLOT_CREDENTIAL:
		return slot_make_credential(c, s, vault, id, f);
	case SLOT_TPM2:
		return slot_make_tpm2(c, s, f);
	case SLOT_RECOVERY:
		return slot_make_recovery(c, s, f);
	}
	return fail_set(f, FAIL_USAGE, NULL, "slots of kind %d are unknown", (int)kind);
}

void slot_put(struct wire_out *o, const struct slot_info *info)
{
	wire_begin_array(o, "slot");
	wire_begin_item(o);
	wire_put_str(o, "kind", slot_kind_name(info->kind));
	wire_put_str(o, "label", info->label);
	if (info->material_len)
		wire_put_bin(o, "material", info->material, info->material_len);
	if (info->kind == SLOT_PASSPHRASE) {
		wire_put_uint(o, "alg", info->kdf.alg);
		wire_put_uint(o, "ops", info->kdf.ops);
		wire_put_uint(o, "mem", info->kdf.mem);
		wire_put_bin(o, "salt", info->kdf.salt, sizeof(info->kdf.salt));
	}
	wire_end_array(o);
}

int slot_send(struct client *c, const struct new_slot *s, uint32_t expect, uint32_t replace,
	      struct failure *f)
{
	struct wire_out *o = wire_request(replace ? "slot-replace" : "slot-add");

	slot_put(o, &s->info);
	wire_put_uint(o, "expect", expect);
	if (replace)
		wire_put_uint(o, "id", replace);
	if (s->has_keyfile)
		wire_put_bin(o, "keyfile", s->keyfile, sizeof(s->keyfile));
	wire_put_secret(o, "key", s->key.p, KEY_LEN);
	return person_call(c, o, f);
}

/* No answer came (a timeout, say): may the broker have added the slot all the same? */
static bool slot_may_exist(struct client *c, enum slot_kind kind, const uint8_t vault[VAULT_ID_LEN],
			   uint32_t id)
{
	static struct slots now; /* several pages: not on the stack */
	const struct slot_view *s;

	if (client_connect(c, true, NULL) != 0)
		return true;
	if (strcmp(c->state, "none") == 0)
		return false;
	if (slots_fetch(c, &now, NULL) != 0)
		return true;
	s = memcmp(now.vault, vault, VAULT_ID_LEN) == 0 ? slots_find(&now, id) : NULL;
	return s && s->kind == kind;
}

void slot_unmake(struct client *c, struct new_slot *s, const uint8_t vault[VAULT_ID_LEN],
		 uint32_t id, bool sent)
{
	bool file =
		s->out_file && (s->info.kind == SLOT_KEYFILE || s->info.kind == SLOT_CREDENTIAL);

	if (s->info.kind != SLOT_KEYRING && !file)
		return;
	if (sent && !c->dial.refused && slot_may_exist(c, s->info.kind, vault, id)) {
		say("note: slot %" PRIu32
		    " may have been added (see ccctl slot list), so its key was kept %s%s",
		    id, file ? "in " : "in the keyring", file ? s->out_file : "");
		return;
	}
	if (s->info.kind == SLOT_KEYRING)
		slot_keyring_erase(c, vault, id);
	else
		unlink(s->out_file);
}

void slot_new_free(struct client *c, struct new_slot *s)
{
	secret_free(c, &s->key);
}
