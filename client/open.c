/*
 * client/open.c - making and opening the vault.  The key is derived here, so
 * that neither the broker nor the wire ever sees a passphrase.
 */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common.h"
#include "client/terminal.h"
#include "secure/arena.h"
#include "secure/kdf.h"
#include "secure/vault.h"

/* A passphrase slot, as the vault file shows it to anyone. */
struct door {
	uint32_t id;
	struct kdf_params kdf;
};

static size_t characters(const struct secret *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++)
		if ((s->p[i] & 0xc0) != 0x80)
			n++;
	return n;
}

static int long_enough(const struct secret *s, struct failure *f)
{
	if (characters(s) >= PASSPHRASE_LEAST)
		return 0;
	return fail_set(f, FAIL_BAD_VALUE, "a few unrelated words are easy to keep and hard to guess",
			"the passphrase is shorter than %d characters", PASSPHRASE_LEAST);
}

/* A new passphrase from the terminal, twice the same. */
static int ask_new(struct client *c, struct secret *s, struct failure *f)
{
	struct secret again = { 0 };
	int i, r = -1;

	if (!terminal_here())
		return fail_set(f, FAIL_USAGE, "ccctl init --passphrase-fd N reads it from a descriptor",
				"cannot ask for a passphrase: there is no terminal");
	if (secret_new(c, &again, s->room, f) != 0)
		return -1;
	terminal_say("The passphrase opens your vault, where the keys of your providers are kept.");
	terminal_say("Nothing can bring a forgotten passphrase back, and nothing opens the vault without it.");
	for (i = 0; i < TRIES && r != 0; i++) {
		if (terminal_secret("New passphrase (8 characters or more): ", s, f) != 0)
			break;
		if (long_enough(s, f) != 0) {
			terminal_say("That is shorter than %d characters.", PASSPHRASE_LEAST);
			continue;
		}
		if (terminal_secret("Once more: ", &again, f) != 0)
			break;
		r = again.n == s->n && memcmp(again.p, s->p, s->n) == 0 ? 0 : -1;
		if (r != 0) {
			fail_set(f, FAIL_BAD_VALUE, "ccctl init", "the two passphrases differ");
			terminal_say("The two differ.");
		}
	}
	secret_free(c, &again);
	return r;
}

static struct wire_out *init_request(const struct kdf_params *k, const uint8_t *key)
{
	struct wire_out *o = wire_request("init", 2);

	wire_array(o, "slot", 1);
	wire_item(o, 6);
	wire_str(o, "kind", slot_kind_name(SLOT_PASSPHRASE));
	wire_str(o, "label", "passphrase");
	wire_uint(o, "alg", k->alg);
	wire_uint(o, "ops", k->ops);
	wire_uint(o, "mem", k->mem);
	wire_bin(o, "salt", k->salt, sizeof(k->salt));
	wire_secret(o, "key", key, KEY_LEN);
	return o;
}

int vault_make(struct client *c, int pass_fd, struct failure *f)
{
	struct secret pass = { 0 }, key = { 0 };
	struct kdf_params k;
	int r = -1;

	if (client_connect(c, true, f) != 0)
		return -1;
	if (strcmp(c->state, "none") != 0)
		return fail_set(f, FAIL_EXISTS, "ccctl unlock opens it", "there is a vault already: %s",
				c->vault);
	if (secret_new(c, &pass, PASSPHRASE_MAX + 1, f) != 0 || secret_new(c, &key, KEY_LEN, f) != 0)
		goto out;
	if (pass_fd >= 0 ? secret_from_fd(pass_fd, &pass, f) != 0 || long_enough(&pass, f) != 0
			 : ask_new(c, &pass, f) != 0)
		goto out;
	kdf_fresh(&k);
	if (k.mem == KDF_MEM_MIN)
		say("warning: CCRUN_KDF=fast is set: this passphrase is cheap to guess, for tests only");
	if (kdf_derive(&k, pass.p, pass.n, key.p, f) != 0 || client_connect(c, true, f) != 0 ||
	    client_call(c, init_request(&k, key.p), f) != 0)
		goto out;
	say("made the vault %s, and it is open", c->vault);
	r = 0;
out:
	secret_free(c, &pass);
	secret_free(c, &key);
	return r;
}

/* The passphrase slots of the vault.  Returns how many, or -1. */
static int fetch_doors(struct client *c, struct door out[VAULT_SLOTS_MAX], struct failure *f)
{
	struct wire_map slot;
	const uint8_t *salt;
	uint64_t id, alg;
	unsigned i, count, n = 0;
	char kind[32];
	size_t len;

	if (client_call(c, wire_request("slots", 0), f) != 0 ||
	    wire_get_array(c->dial.in.top, "slots", &count, f) != 0)
		return -1;
	for (i = 0; i < count && n < VAULT_SLOTS_MAX; i++) {
		if (wire_get_item(c->dial.in.top, "slots", i, &slot, f) != 0 ||
		    wire_text(slot, "kind", kind, sizeof(kind), f) != 0)
			return -1;
		if (slot_kind_from_name(kind) != SLOT_PASSPHRASE)
			continue;
		if (wire_get_uint(slot, "id", &id, f) != 0 || wire_get_uint(slot, "alg", &alg, f) != 0 ||
		    wire_get_uint(slot, "ops", &out[n].kdf.ops, f) != 0 ||
		    wire_get_uint(slot, "mem", &out[n].kdf.mem, f) != 0 ||
		    wire_get_bin(slot, "salt", &salt, &len, f) != 0)
			return -1;
		if (id > UINT32_MAX || alg > UINT32_MAX || len != SALT_LEN)
			return fail_set(f, FAIL_BAD_VALUE, NULL, "the broker describes a slot wrongly");
		out[n].id = (uint32_t)id;
		out[n].kdf.alg = (uint32_t)alg;
		memcpy(out[n].kdf.salt, salt, SALT_LEN);
		n++;
	}
	if (n == 0)
		return fail_set(f, FAIL_NO_ENTRY, NULL, "no passphrase opens this vault");
	return (int)n;
}

static int unlock_with(struct client *c, const struct door *d, const uint8_t *key, struct failure *f)
{
	struct wire_out *o = wire_request("unlock", 2);
	uint64_t entries;

	wire_uint(o, "slot", d->id);
	wire_secret(o, "key", key, KEY_LEN);
	if (client_call(c, o, f) != 0 || wire_get_uint(c->dial.in.top, "entries", &entries, f) != 0)
		return -1;
	say("the vault is open (%llu %s)", (unsigned long long)entries, entries == 1 ? "key" : "keys");
	return 0;
}

/* Try the passphrase on every slot.  FAIL_WRONG_KEY when it opens none. */
static int try_doors(struct client *c, const struct secret *pass, struct failure *f)
{
	/* A page and more of public numbers: not on the stack. */
	static struct door door[VAULT_SLOTS_MAX];
	struct secret key = { 0 };
	int i, n, r = -1;

	if (secret_new(c, &key, KEY_LEN, f) != 0)
		return -1;
	/* The connection may have idled behind a prompt: connect again. */
	if (client_connect(c, true, f) != 0)
		goto out;
	n = fetch_doors(c, door, f);
	for (i = 0; i < n; i++) {
		if (kdf_derive(&door[i].kdf, pass->p, pass->n, key.p, f) != 0)
			goto out;
		if (unlock_with(c, &door[i], key.p, f) == 0) {
			r = 0;
			goto out;
		}
		if (f->code != FAIL_WRONG_KEY)
			goto out;
	}
	if (n > 0)
		fail_set(f, FAIL_WRONG_KEY, "ccctl unlock tries again", "wrong passphrase");
out:
	secret_free(c, &key);
	return r;
}

static int ask_and_try(struct client *c, struct secret *pass, struct failure *f)
{
	int i;

	if (!terminal_here())
		return fail_set(f, FAIL_USAGE, "ccctl unlock --passphrase-fd N reads it from a descriptor",
				"cannot ask for the passphrase: there is no terminal");
	for (i = 0; i < TRIES; i++) {
		if (terminal_secret("Passphrase for your vault: ", pass, f) != 0)
			return -1;
		if (try_doors(c, pass, f) == 0)
			return 0;
		if (f->code != FAIL_WRONG_KEY)
			return -1;
		if (i + 1 < TRIES)
			terminal_say("Wrong passphrase.");
	}
	return -1;
}

int vault_unlock(struct client *c, int pass_fd, const struct secret *given, struct failure *f)
{
	struct secret pass = { 0 };
	int r = -1;

	if (given)
		return try_doors(c, given, f);
	if (secret_new(c, &pass, PASSPHRASE_MAX + 1, f) != 0)
		return -1;
	if (pass_fd < 0)
		r = ask_and_try(c, &pass, f);
	else if (secret_from_fd(pass_fd, &pass, f) == 0)
		r = try_doors(c, &pass, f);
	secret_free(c, &pass);
	return r;
}

int vault_ready(struct client *c, const struct secret *given, struct failure *f)
{
	bool none;

	if (client_connect(c, true, f) != 0)
		return -1;
	if (strcmp(c->state, "unlocked") == 0)
		return 0;
	none = strcmp(c->state, "none") == 0;
	if (none && (given || !terminal_here()))
		return fail_set(f, FAIL_NO_VAULT, "ccctl init, then the same command again",
				"there is no vault yet");
	if (!none && !given && !terminal_here())
		return fail_set(f, FAIL_LOCKED, "ccctl unlock, then the same command again",
				"the vault is locked");
	if ((none ? vault_make(c, -1, f) : vault_unlock(c, -1, given, f)) != 0)
		return -1;
	return client_connect(c, true, f);
}

static const struct option fd_options[] = {
	{ "passphrase-fd", required_argument, NULL, 256 }, { NULL, 0, NULL, 0 }
};

static int parse_fd(int argc, char **argv, int *fd, struct failure *f)
{
	bool first = true;
	int opt;

	*fd = -1;
	while ((opt = next_option(&first, argc, argv, ":", fd_options, f)) != -1)
		if (opt == '?' || passphrase_fd_option(optarg, fd, f) != 0)
			return -1;
	return want_words(argc, argv, 0, f);
}

int verb_init(struct client *c, int argc, char **argv, struct failure *f)
{
	int fd;

	if (parse_fd(argc, argv, &fd, f) != 0 || vault_make(c, fd, f) != 0)
		return -1;
	return EXIT_DONE;
}

int verb_unlock(struct client *c, int argc, char **argv, struct failure *f)
{
	int fd;

	if (parse_fd(argc, argv, &fd, f) != 0 || client_connect(c, true, f) != 0)
		return -1;
	if (strcmp(c->state, "unlocked") == 0) {
		say("already unlocked");
		return EXIT_DONE;
	}
	if (strcmp(c->state, "none") == 0)
		return fail_set(f, FAIL_NO_VAULT, "ccctl init makes one", "there is no vault yet");
	return vault_unlock(c, fd, NULL, f) == 0 ? EXIT_DONE : -1;
}

int verb_lock(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true;
	static const struct option none[] = { { NULL, 0, NULL, 0 } };

	if (next_option(&first, argc, argv, ":", none, f) != -1 || want_words(argc, argv, 0, f) != 0)
		return -1;
	if (client_connect(c, false, f) != 0) {
		if (f->code != FAIL_NO_BROKER)
			return -1;
		say("no broker is running: nothing is unlocked");
		return EXIT_DONE;
	}
	if (client_call(c, wire_request("lock", 0), f) != 0)
		return -1;
	say("locked: every secret in the broker is wiped");
	return EXIT_DONE;
}
