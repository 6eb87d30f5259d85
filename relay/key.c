/*
 * relay/key.c - the provider's secrets.
 */
#include "relay/key.h"

#include <string.h>

#include "base/fail.h"
#include "relay/request_head.h"
#include "relay/secret_filter.h"
#include "vault/arena.h"
#include "wire/names.h"

#define LINE_AROUND 128 /* a field's name, its scheme, and the line's end */

void key_init(struct key *k, struct arena *arena, const struct request_secret *fields, size_t count)
{
	memset(k, 0, sizeof(*k));
	k->arena = arena;
	k->fields = fields;
	k->count = count;
}

bool key_is_whole(const struct key *k)
{
	return k->value != NULL;
}

bool key_is_newer(const struct key *k, uint64_t number)
{
	return key_is_whole(k) && k->number != number;
}

/* Wipe it.  Its memory stays while a request is under way that looks for it in the answer. */
static void value_wipe(struct key *k, struct key_value *v)
{
	size_t i;

	if (v->set)
		secret_set_wipe(v->set);
	for (i = 0; i < SESSION_ENTRIES_MAX; i++) {
		arena_release(k->arena, v->text[i]);
		v->text[i] = NULL;
		v->len[i] = 0;
	}
}

static void value_free(struct key *k, struct key_value *v)
{
	if (!v)
		return;
	value_wipe(k, v);
	arena_release(k->arena, v->set);
	arena_release(k->arena, v);
}

static void key_retire(struct key *k)
{
	struct key_value *v = k->value;

	k->value = NULL;
	if (v && v->users) {
		v->next = k->former;
		k->former = v;
	} else {
		value_free(k, v);
	}
	arena_release(k->arena, k->lines);
	k->lines = NULL;
	k->lines_n = 0;
}

void key_wipe(struct key *k)
{
	struct key_value *v;

	key_retire(k);
	value_free(k, k->coming);
	k->coming = NULL;
	for (v = k->former; v; v = v->next)
		value_wipe(k, v);
}

struct key_value *key_hold(struct key *k)
{
	k->value->users++;
	return k->value;
}

void key_let_go(struct key *k, struct key_value *v)
{
	struct key_value **at;

	if (!v || --v->users > 0 || v == k->value)
		return;
	for (at = &k->former; *at != v; at = &(*at)->next)
		;
	*at = v->next;
	value_free(k, v);
}

static int key_write_lines(struct key *k, const struct key_value *v, struct failure *f)
{
	size_t i, n, size = sizeof(REQUEST_HEAD_END);

	for (i = 0; i < k->count; i++)
		size += v->len[i] + LINE_AROUND;
	k->lines = arena_alloc(k->arena, size, f);
	if (!k->lines)
		return -1;
	for (i = 0; i < k->count; i++) {
		if (request_secret_write(&k->fields[i], (const char *)v->text[i], v->len[i],
					 k->lines + k->lines_n, size - k->lines_n, &n, f) != 0)
			return -1;
		k->lines_n += n;
	}
	memcpy(k->lines + k->lines_n, REQUEST_HEAD_END, strlen(REQUEST_HEAD_END));
	k->lines_n += strlen(REQUEST_HEAD_END);
	return 0;
}

static int value_make_set(const struct key *k, struct key_value *v, struct failure *f)
{
	struct secret_text texts[SESSION_ENTRIES_MAX];
	size_t i;

	v->set = arena_alloc(k->arena, sizeof(*v->set), f);
	if (!v->set)
		return -1;
	for (i = 0; i < k->count; i++)
		texts[i] = (struct secret_text){ v->text[i], v->len[i] };
	return secret_set_init(v->set, texts, k->count, f);
}

/* All of the next one has come. */
static int key_replace(struct key *k, struct failure *f)
{
	struct key_value *v = k->coming;

	key_retire(k);
	if (key_write_lines(k, v, f) != 0 || value_make_set(k, v, f) != 0)
		return -1;
	k->coming = NULL;
	k->value = v;
	k->number++;
	return 0;
}

static int key_add(struct key *k, uint64_t index, uint64_t count, const uint8_t *p, size_t n,
		   struct failure *f)
{
	struct key_value *v;

	if (index == 0) {
		value_free(k, k->coming);
		k->coming = NULL;
	}
	if (count != k->count || index >= k->count || index != (k->coming ? k->coming->have : 0))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a key that is none of this session's");
	if (wire_token_check(p, n, f) != 0)
		return -1;
	if (!k->coming) {
		k->coming = arena_alloc(k->arena, sizeof(*k->coming), f);
		if (!k->coming)
			return -1;
		memset(k->coming, 0, sizeof(*k->coming));
	}
	v = k->coming;
	v->text[index] = arena_alloc(k->arena, n, f);
	if (!v->text[index])
		return -1;
	memcpy(v->text[index], p, n);
	v->len[index] = n;
	v->have++;
	return v->have < k->count ? 0 : key_replace(k, f);
}

int key_take(struct key *k, uint64_t index, uint64_t count, const uint8_t *p, size_t n,
	     struct failure *f)
{
	if (key_add(k, index, count, p, n, f) == 0)
		return 0;
	key_wipe(k);
	return -1;
}
