/*
 * helpers/keyring/main.c - ccrun-keyring: keeps a vault slot's random wrapping key
 * in the Secret Service.
 *
 * ccctl runs it; descriptor 3 is the channel (helpers/channel.h).  The keyring gets
 * the key of a slot, never a token: a program that reads an unlocked keyring still
 * needs the vault file.
 *
 *   ccrun-keyring store VAULT SLOT             the packet is the key's text
 *   ccrun-keyring fetch [--prompt] VAULT SLOT  replies with the key's text
 *   ccrun-keyring erase VAULT SLOT
 */
#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "helpers/channel.h"
#include "helpers/helper_cage.h"
#include "helpers/keyring/item.h"
#include "helpers/keyring/service.h"

#define VAULT_DIGITS 32
#define SLOT_MAX 4294967295UL

static int run_store(struct keyring *k, const struct item_id *id, size_t n, struct failure *f)
{
	if (item_store(k, id, channel_buffer(), n, f) != 0)
		return -1;
	return channel_reply(NULL, 0, f);
}

static int run_fetch(struct keyring *k, const struct item_id *id, size_t n, struct failure *f)
{
	SecretValue *v = NULL;
	const char *text;
	gsize len = 0;
	int r;

	(void)n;
	if (item_fetch(k, id, &v, f) != 0)
		return -1;
	text = secret_value_get(v, &len);
	r = channel_reply(text, len, f);
	secret_value_unref(v);
	return r;
}

static int run_erase(struct keyring *k, const struct item_id *id, size_t n, struct failure *f)
{
	(void)n;
	if (item_erase(k, id, f) != 0)
		return -1;
	return channel_reply(NULL, 0, f);
}

static const struct operation {
	const char *name;
	int (*run)(struct keyring *k, const struct item_id *id, size_t n, struct failure *f);
	bool has_input; /* the channel's packet is a key to store */
	bool may_prompt;
} operations[] = {
	{ "store", run_store, true, false },
	{ "fetch", run_fetch, false, true },
	{ "erase", run_erase, false, false },
};

static bool slot_number_valid(const char *s)
{
	unsigned long n = 0;
	const char *p;

	for (p = s; *p >= '0' && *p <= '9' && n <= SLOT_MAX; p++)
		n = n * 10 + (unsigned long)(*p - '0');
	return *p == '\0' && s[0] != '0' && n >= 1 && n <= SLOT_MAX;
}

static int parse_arguments(int argc, char **argv, const struct operation **op, bool *prompt,
			   struct item_id *id, struct failure *f)
{
	const char *usage =
		"usage: ccrun-keyring store|fetch|erase [--prompt] VAULT SLOT; ccctl runs it";
	size_t i;
	int at = 2;

	*op = NULL;
	for (i = 0; argc > 1 && i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strcmp(argv[1], operations[i].name) == 0)
			*op = &operations[i];
	if (!*op)
		return fail_set(f, FAIL_USAGE, usage, "ccrun-keyring does store, fetch or erase");
	*prompt = argc > at && strcmp(argv[at], "--prompt") == 0;
	at += *prompt;
	if ((*prompt && !(*op)->may_prompt) || argc != at + 2)
		return fail_set(f, FAIL_USAGE, usage, "ccrun-keyring %s takes other arguments",
				(*op)->name);
	id->vault = argv[at];
	id->slot = argv[at + 1];
	if (strlen(id->vault) != VAULT_DIGITS ||
	    strspn(id->vault, "0123456789abcdef") != VAULT_DIGITS)
		return fail_set(f, FAIL_USAGE, usage, "VAULT is %d lower-case hex digits",
				VAULT_DIGITS);
	if (!slot_number_valid(id->slot))
		return fail_set(f, FAIL_USAGE, usage, "SLOT is a number from 1 to %lu", SLOT_MAX);
	return 0;
}

static int run_operation(int argc, char **argv, struct failure *f)
{
	const struct operation *op;
	struct item_id id;
	struct keyring k;
	ssize_t n = 0;
	bool prompt = false;
	int r;

	if (parse_arguments(argc, argv, &op, &prompt, &id, f) != 0)
		return -1;
	if (op->has_input) {
		n = channel_receive(f);
		if (n < 0 || item_check_text(channel_buffer(), (size_t)n, "what was sent", f) != 0)
			return -1;
	}
	r = service_open(&k, prompt, f);
	if (r == 0)
		r = op->run(&k, &id, (size_t)n, f);
	service_close(&k);
	return r;
}

int main(int argc, char **argv)
{
	const struct helper_cage cage = { .broker = false };
	struct failure f = { 0 };
	int code = EXIT_DONE;

	/* MUST: before it connects to a bus, or has the key. */
	if (channel_open(&f) != 0 || helper_cage_enter(&cage, &f) != 0 ||
	    run_operation(argc, argv, &f) != 0)
		code = channel_reply_failure(&f);
	channel_close();
	return code;
}
