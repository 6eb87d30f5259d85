/*
 * vault/tokens.c - sleeping and fetched tokens.
 */
#include "vault/tokens.h"

#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "vault/arena.h"
#include "vault/crypto.h"
#include "vault/entries.h"
#include "vault/entry_list.h"
#include "vault/errors.h"
#include "vault/vault_private.h"

void vault_set_since(struct vault *v, int64_t now)
{
	unsigned i;

	for (i = 0; i < v->count; i++)
		if (!v->entry[i]->source)
			v->entry[i]->since = now;
}

void vault_token_sleep(struct vault *v, const char *name)
{
	bool there;
	unsigned at = entry_list_search(v, name, &there);

	if (!there)
		return;
	arena_release(v->arena, (void *)(uintptr_t)v->entry[at]->token);
	v->entry[at]->token = NULL;
}

unsigned vault_tokens_asleep(const struct vault *v)
{
	unsigned i, n = 0;

	for (i = 0; i < v->count; i++)
		n += v->entry[i]->token == NULL && !v->entry[i]->source;
	return n;
}

int tokens_copy_sleeping(struct vault *v, const struct vault *from, struct failure *f)
{
	const struct entry *stored;
	uint8_t *token;
	unsigned i;

	for (i = 0; i < v->count; i++) {
		if (v->entry[i]->token || v->entry[i]->source)
			continue;
		stored = vault_find(from, v->entry[i]->name);
		if (!stored || !stored->token || stored->token_len != v->entry[i]->token_len)
			return fail_set(f, FAIL_CHANGED, "ccctl lock, then ccctl unlock",
					"the vault's file is not the one that was opened");
		token = arena_alloc(v->arena, stored->token_len, f);
		if (!token)
			return -1;
		memcpy(token, stored->token, stored->token_len);
		v->entry[i]->token = token;
	}
	return 0;
}

/* Put a copy of n bytes in the place of e's token. */
static int token_replace(struct vault *v, struct entry *e, const uint8_t *token, size_t n,
			 int64_t now, int64_t until, struct failure *f)
{
	uint8_t *copy = arena_alloc(v->arena, n, f);

	if (!copy)
		return -1;
	memcpy(copy, token, n);
	arena_release(v->arena, (void *)(uintptr_t)e->token);
	e->token = copy;
	e->token_len = n;
	e->since = now;
	e->until = until;
	return 0;
}

int vault_token_set_fetched(struct vault *v, const char *name, const uint8_t *token, size_t n,
			    int64_t now, int64_t until, struct failure *f)
{
	bool there;
	unsigned at = entry_list_search(v, name, &there);

	if (!there || !v->entry[at]->source)
		return vault_fail_no_entry(f, "fetch", name);
	if (n == 0 || n > TOKEN_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "cannot keep a token of %zu bytes", n);
	return token_replace(v, v->entry[at], token, n, now, until, f);
}

static bool entry_same_source(const struct entry *a, const struct entry *b)
{
	return a && a->source && b->source && strcmp(a->source->ref, b->source->ref) == 0 &&
	       strcmp(a->source->command, b->source->command) == 0 &&
	       strcmp(a->source->pick, b->source->pick) == 0;
}

bool vault_same_key(const struct vault *from, const struct vault *to)
{
	uint8_t hash[BLAKE2B_256_LEN];

	if (from->key)
		return secret_equal(from->key, to->key, KEY_LEN);
	blake2b_256(hash, to->key, KEY_LEN, NULL, 0);
	return memcmp(hash, from->key_hash, sizeof(hash)) == 0;
}

void vault_tokens_carry(const struct vault *from, struct vault *to)
{
	const struct entry *had;
	unsigned i;

	/* MUST: the key, which cannot be forged, and not only names.  Whoever can write the
	 * file could put a vault of his own there, in which the token goes elsewhere. */
	if (!from || !vault_same_key(from, to))
		return;
	/* A token that does not fit into the arena any more is fetched again later. */
	for (i = 0; i < to->count; i++) {
		had = vault_find(from, to->entry[i]->name);
		if (!to->entry[i]->token && entry_same_source(had, to->entry[i]) && had->token)
			token_replace(to, to->entry[i], had->token, had->token_len, had->since,
				      had->until, NULL);
	}
}
