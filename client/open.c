/*
 * client/open.c - making, opening and locking the vault.  Keys are derived and
 * fetched here, so that neither the broker nor the wire ever sees a passphrase.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/common.h"
#include "client/slots/slots.h"
#include "client/common/terminal.h"
#include "start/watcher.h"
#include "vault/crypto.h"

/* How a person wants it opened or made. */
struct how {
	int pass_fd;	      /* -1: the terminal */
	enum slot_kind kind;  /* SLOT_PASSPHRASE: what is typed, a recovery code too */
	bool named;	      /* the kind was asked for */
	bool quiet;	      /* --auto: ask nobody */
	bool system;	      /* init: the system's broker */
	const char *file;     /* a keyfile */
};

/* ---- making ---- */

/* Nothing of ours may be in another broker already. */
static int check_none(struct client *c, bool system, struct failure *f)
{
	if (client_connect(c, !system, f) == 0 && strcmp(c->state, "none") != 0)
		return fail_set(f, FAIL_EXISTS,
				system && !c->dial.system ? "ccctl move system" : "ccctl unlock opens it",
				"there is a vault already: %s", c->vault);
	if (!system && dial_system_down())
		say("note: the system broker is not running; a vault of yours that it has will come before this one");
	if (system && vault_file_exists())
		return fail_set(f, FAIL_EXISTS, "ccctl move system", "there is a vault already, in a broker of your own");
	return 0;
}

static int make(struct client *c, const struct how *h, struct failure *f)
{
	struct new_slot s = { .pass_fd = h->pass_fd, .first = true };
	uint8_t id[VAULT_ID_LEN];
	struct wire_out *o;
	bool made = false, sent = false;
	int r = -1;

	if (check_none(c, h->system, f) != 0)
		return -1;
	c->where = h->system ? DIAL_SYSTEM : DIAL_USER;
	if (client_connect(c, true, f) != 0)
		return -1;
	random_fill(id, sizeof(id));
	if (slot_make(c, h->kind, &s, id, 1, f) != 0)
		goto out;
	made = true;
	if (client_connect(c, true, f) != 0)
		goto out;
	o = wire_request("init");
	slot_put(o, &s.info);
	wire_bin(o, "id", id, sizeof(id));
	if (s.has_keyfile)
		wire_bin(o, "keyfile", s.keyfile, sizeof(s.keyfile));
	wire_secret(o, "key", s.key.p, KEY_LEN);
	sent = true;
	r = client_call(c, o, f);
out:
	if (r != 0 && made)
		slot_unmake(c, &s, id, 1, sent);
	slot_new_free(c, &s);
	if (r != 0)
		return -1;
	say("made the vault %s, and it is open", c->vault);
	if (h->kind != SLOT_PASSPHRASE)
		slots_warn(1);
	watcher_start();
	return 0;
}

/* Make a vault with a passphrase that is asked for on the terminal. */
static int vault_make(struct client *c, struct failure *f)
{
	struct how h = { .pass_fd = -1, .kind = SLOT_PASSPHRASE };

	return make(c, &h, f);
}

/* ---- opening ---- */

static void opened(struct client *c)
{
	uint64_t entries = 0;

	wire_get_uint(c->dial.in.top, "entries", &entries, NULL);
	say("the vault is open (%" PRIu64 " %s)", entries, entries == 1 ? "key" : "keys");
	watcher_start();
}

static int open_slot(struct client *c, uint32_t id, const uint8_t *key, void *arg, struct failure *f)
{
	struct wire_out *o = wire_request("unlock");

	(void)arg;
	wire_uint(o, "slot", id);
	wire_secret(o, "key", key, KEY_LEN);
	if (client_call(c, o, f) != 0)
		return -1;
	opened(c);
	return 0;
}

/* With what the broker has itself.  1 opened, 0 it has nothing, -1. */
static int reopen(struct client *c, struct failure *f)
{
	if (client_call(c, wire_request("reopen"), f) == 0) {
		opened(c);
		return 1;
	}
	return f->code == FAIL_NO_ENTRY ? 0 : -1;
}

/* Every slot of a kind that asks nobody.  1 opened, 0 there is none, -1 none did. */
static int open_kind(struct client *c, const struct slots *all, enum slot_kind kind, bool prompt,
		     struct failure *f)
{
	struct secret key = { 0 };
	unsigned i;
	int r = 0;

	if (secret_new(c, &key, KEY_LEN, f) != 0)
		return -1;
	for (i = 0; i < all->n && r != 1; i++) {
		if (all->slot[i].kind != kind)
			continue;
		r = -1;
		if (slot_key_fetch(c, all, &all->slot[i], prompt, &key, f) == 0 &&
		    client_connect(c, true, f) == 0 &&
		    open_slot(c, all->slot[i].id, key.p, NULL, f) == 0)
			r = 1;
	}
	secret_free(c, &key);
	return r;
}

/*
 * With no person there: keyfile and credential (the broker's), keyring, TPM.
 * What was to do it and did not is said, and the next is tried.  1 opened, 0
 * there was nothing to try, -1 why not was said.
 */
static int open_quietly(struct client *c)
{
	static const enum slot_kind kinds[] = { SLOT_KEYRING, SLOT_TPM2 };
	static struct slots all; /* pages of public numbers: not on the stack */
	struct failure f = { 0 };
	int r, said = 0;
	unsigned i;

	r = reopen(c, &f);
	if (r < 0) {
		fail_print("ccctl", &f);
		said = -1;
	}
	if (r == 1)
		return 1;
	if (client_connect(c, true, &f) != 0 || slots_fetch(c, &all, &f) != 0) {
		fail_print("ccctl", &f);
		return -1;
	}
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		r = open_kind(c, &all, kinds[i], false, &f);
		if (r == 1)
			return 1;
		if (r < 0) {
			fail_print("ccctl", &f);
			said = -1;
		}
	}
	return said;
}

/* Which slots could have been meant, when nothing that is typed opens it. */
static int nothing_typed(const struct slots *all, struct failure *f)
{
	static const struct {
		enum slot_kind kind;
		const char *command;
	} ways[] = {
		{ SLOT_KEYRING, "ccctl unlock --keyring" },
		{ SLOT_KEYFILE, "ccctl unlock --keyfile" },
		{ SLOT_CREDENTIAL, "ccctl unlock --keyfile" },
		{ SLOT_TPM2, "ccctl unlock --tpm2" },
	};
	unsigned i;

	fail_set(f, FAIL_LOCKED, "ccctl slot list shows what opens it",
		 "the vault is locked, and no passphrase opens it");
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (slots_count(all, ways[i].kind) > 0) {
			fail_hint(f, "%s", ways[i].command);
			break;
		}
	return -1;
}

static int try_typed(struct client *c, const struct slots *all, const struct secret *typed,
		     struct failure *f)
{
	/* The connection may have idled behind a prompt. */
	if (client_connect(c, true, f) != 0)
		return -1;
	return slot_key_typed(c, all, typed, open_slot, NULL, f);
}

static int ask_and_try(struct client *c, const struct slots *all, struct secret *typed, struct failure *f)
{
	bool code_only = slots_count(all, SLOT_PASSPHRASE) == 0;
	int i;

	if (code_only && slots_count(all, SLOT_RECOVERY) == 0)
		return nothing_typed(all, f);
	if (!terminal_here())
		return fail_set(f, FAIL_USAGE, "ccctl unlock --passphrase-fd N reads it from a descriptor",
				"cannot ask for the passphrase: there is no terminal");
	for (i = 0; i < TRIES; i++) {
		if (terminal_secret(code_only ? "Recovery code for your vault: " : "Passphrase for your vault: ",
				    typed, f) != 0)
			return -1;
		if (try_typed(c, all, typed, f) == 0)
			return 0;
		if (f->code != FAIL_WRONG_KEY)
			return -1;
		if (i + 1 < TRIES)
			terminal_say("%s.", code_only ? f->what : "Wrong passphrase");
	}
	return -1;
}

static int open_typed(struct client *c, int pass_fd, const struct secret *given, struct failure *f)
{
	static struct slots all;
	struct secret typed = { 0 };
	int r = -1;

	if (client_connect(c, true, f) != 0 || slots_fetch(c, &all, f) != 0)
		return -1;
	if (given)
		return try_typed(c, &all, given, f);
	if (secret_new(c, &typed, PASSPHRASE_MAX + 1, f) != 0)
		return -1;
	if (pass_fd < 0)
		r = ask_and_try(c, &all, &typed, f);
	else if (secret_from_fd(pass_fd, &typed, f) == 0)
		r = try_typed(c, &all, &typed, f);
	secret_free(c, &typed);
	return r;
}

/* Nobody locked it: it is a broker that has just started. */
static bool fresh(const struct client *c)
{
	return strcmp(c->state, "locked") == 0 && strcmp(c->why, "start") == 0;
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
	if (!none && !given && fresh(c) && open_quietly(c) == 1)
		return client_connect(c, true, f);
	if (!none && !given && !terminal_here())
		return fail_set(f, FAIL_LOCKED, "ccctl unlock, then the same command again",
				"the vault is locked");
	if ((none ? vault_make(c, f) : open_typed(c, -1, given, f)) != 0)
		return -1;
	return client_connect(c, true, f);
}

static int open_keyfile(struct client *c, const char *file, struct failure *f)
{
	static struct slots all;
	struct secret key = { 0 };
	uint32_t id;
	int r = -1;

	if (!file) {
		r = reopen(c, f);
		return r == 1 ? 0 : -1;
	}
	if (slots_fetch(c, &all, f) == 0 && secret_new(c, &key, KEY_LEN, f) == 0 &&
	    slot_key_file(c, file, &all, &id, &key, f) == 0)
		r = open_slot(c, id, key.p, NULL, f);
	secret_free(c, &key);
	return r;
}

static int open_named(struct client *c, const struct how *h, struct failure *f)
{
	static struct slots all;
	int r;

	if (h->kind == SLOT_KEYFILE)
		return open_keyfile(c, h->file, f);
	if (slots_fetch(c, &all, f) != 0)
		return -1;
	r = open_kind(c, &all, h->kind, true, f);
	if (r == 0)
		fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows what does", "no %s slot opens this vault",
			 slot_kind_name(h->kind));
	return r == 1 ? 0 : -1;
}

/* The exit code, or -1. */
static int unlock(struct client *c, const struct how *h, struct failure *f)
{
	bool is_fresh;
	int r = 0;

	if (client_connect(c, true, f) != 0)
		return -1;
	is_fresh = fresh(c);
	if (strcmp(c->state, "none") == 0)
		return fail_set(f, FAIL_NO_VAULT, "ccctl init makes one", "there is no vault yet");
	if (strcmp(c->state, "unlocked") == 0 && c->asleep == 0) {
		say("already unlocked");
		/* Whoever opened it, and if the one before has ended. */
		watcher_start();
		return 0;
	}
	/* A person must open what was locked: that is no news, and ccrun says it. */
	if (h->quiet && !is_fresh)
		return EXIT_LOCKED;
	if (h->named)
		return open_named(c, h, f);
	if (is_fresh && h->pass_fd < 0)
		r = open_quietly(c);
	if (r == 1)
		return 0;
	if (h->quiet && r < 0)
		return EXIT_LOCKED;
	if (h->quiet)
		return fail_set(f, FAIL_LOCKED, "ccctl unlock", "nothing here opens the vault without a person");
	return open_typed(c, h->pass_fd, NULL, f);
}

/* ---- the verbs ---- */

enum { OPT_FD = 256, OPT_KEYRING, OPT_KEYFILE, OPT_TPM2, OPT_AUTO, OPT_SYSTEM };

static const struct option init_options[] = {
	{ "passphrase-fd", required_argument, NULL, OPT_FD }, { "keyring", no_argument, NULL, OPT_KEYRING },
	{ "keyfile", no_argument, NULL, OPT_KEYFILE },	      { "tpm2", no_argument, NULL, OPT_TPM2 },
	{ "system", no_argument, NULL, OPT_SYSTEM },	      { NULL, 0, NULL, 0 },
};

static const struct option unlock_options[] = {
	{ "passphrase-fd", required_argument, NULL, OPT_FD }, { "keyring", no_argument, NULL, OPT_KEYRING },
	{ "keyfile", no_argument, NULL, OPT_KEYFILE },	      { "tpm2", no_argument, NULL, OPT_TPM2 },
	{ "auto", no_argument, NULL, OPT_AUTO },	      { NULL, 0, NULL, 0 },
};

static int parse_how(int argc, char **argv, const struct option *longs, struct how *h, struct failure *f)
{
	bool first = true;
	int opt, ways = 0;

	*h = (struct how){ .pass_fd = -1, .kind = SLOT_PASSPHRASE };
	while ((opt = next_option(&first, argc, argv, ":", longs, f)) != -1) {
		switch (opt) {
		case OPT_FD:
			if (passphrase_fd_option(optarg, &h->pass_fd, f) != 0)
				return -1;
			break;
		case OPT_KEYRING:
			h->kind = SLOT_KEYRING;
			break;
		case OPT_KEYFILE:
			h->kind = SLOT_KEYFILE;
			break;
		case OPT_TPM2:
			h->kind = SLOT_TPM2;
			break;
		case OPT_AUTO:
			h->quiet = true;
			break;
		case OPT_SYSTEM:
			h->system = true;
			continue;
		default:
			return -1;
		}
		ways++;
	}
	if (ways > 1)
		return fail_set(f, FAIL_USAGE, NULL, "%s: one way at a time", argv[0]);
	h->named = h->kind != SLOT_PASSPHRASE;
	/* unlock --keyfile FILE */
	if (longs == unlock_options && h->kind == SLOT_KEYFILE && argc - optind == 1)
		h->file = argv[optind++];
	return want_words(argc, argv, 0, f);
}

int verb_init(struct client *c, int argc, char **argv, struct failure *f)
{
	struct how h;

	return parse_how(argc, argv, init_options, &h, f) == 0 && make(c, &h, f) == 0 ? EXIT_DONE : -1;
}

int verb_unlock(struct client *c, int argc, char **argv, struct failure *f)
{
	struct how h;

	return parse_how(argc, argv, unlock_options, &h, f) == 0 ? unlock(c, &h, f) : -1;
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
	if (client_call(c, wire_request("lock"), f) != 0)
		return -1;
	say("locked: every secret in the broker is wiped");
	return EXIT_DONE;
}
