/*
 * vault/entry.c - one entry: its token is in the arena, the rest in ordinary memory.
 */
#include "vault/entry.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/fail.h"
#include "vault/arena.h"
#include "vault/bytes.h"
#include "vault/errors.h"
#include "wire/names.h"

static bool entry_source_text_ok(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	return n > 0 && n <= max && bytes_have_no_control(text, n);
}

static bool entry_source_ok(const struct entry_source *s)
{
	return entry_source_text_ok(s->ref, SOURCE_REF_MAX) &&
	       entry_source_text_ok(s->command, SOURCE_COMMAND_MAX) &&
	       entry_source_text_ok(s->pick, SOURCE_PICK_MAX);
}

const char *entry_wrong(const struct entry *e)
{
	size_t origin = strnlen(e->origin, sizeof(e->origin));
	size_t policy = strnlen(e->policy, sizeof(e->policy));

	if (!memchr(e->name, '\0', sizeof(e->name)) || !wire_name_ok(e->name))
		return "the name";
	if (origin > ORIGIN_MAX_LEN || !bytes_are_printable_ascii(e->origin, origin))
		return "the origin";
	if (!memchr(e->variable, '\0', sizeof(e->variable)) ||
	    (e->variable[0] && !wire_carrier_ok(e->variable)))
		return "the variable";
	if (policy > POLICY_MAX_LEN || !bytes_are_printable_ascii(e->policy, policy))
		return "the policy";
	if (e->source && !entry_source_ok(e->source))
		return "the source";
	if (e->source && !e->token)
		return NULL;
	if (e->token_len == 0 || e->token_len > TOKEN_MAX)
		return "the token's length";
	if (!e->token)
		return "a token that is not in memory";
	return NULL;
}

/* Give `to` a copy of its own of the source, which may be NULL. */
static int entry_copy_source(struct entry *to, const struct entry_source *from, struct failure *f)
{
	struct entry_source *copy;

	to->source = NULL;
	if (!from)
		return 0;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return vault_fail_no_memory(f);
	*copy = *from;
	to->source = copy;
	return 0;
}

void entry_free(struct arena *a, struct entry *e)
{
	if (!e)
		return;
	arena_release(a, (void *)(uintptr_t)e->token);
	free((void *)(uintptr_t)e->source);
	sodium_memzero(e, sizeof(*e));
	free(e);
}

struct entry *entry_copy(struct arena *a, const struct entry *e, struct failure *f)
{
	struct entry *new = calloc(1, sizeof(*new));
	uint8_t *token;

	if (!new) {
		vault_fail_no_memory(f);
		return NULL;
	}
	*new = *e;
	new->token = NULL;
	if (entry_copy_source(new, e->source, f) != 0) {
		entry_free(a, new);
		return NULL;
	}
	if (!e->token)
		return new;
	token = arena_alloc(a, e->token_len, f);
	new->token = token;
	if (!token) {
		entry_free(a, new);
		return NULL;
	}
	memcpy(token, e->token, e->token_len);
	return new;
}
