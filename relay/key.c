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
	return k->set != NULL;
}

void key_wipe(struct key *k)
{
	size_t i;

	for (i = 0; i < SESSION_ENTRIES_MAX; i++) {
		arena_release(k->arena, k->value[i]);
		k->value[i] = NULL;
		k->len[i] = 0;
	}
	arena_release(k->arena, k->lines);
	arena_release(k->arena, k->set);
	k->lines = NULL;
	k->set = NULL;
	k->lines_n = k->have = 0;
}

static int key_write_lines(struct key *k, struct failure *f)
{
	size_t i, n, size = sizeof(REQUEST_HEAD_END);

	for (i = 0; i < k->count; i++)
		size += k->len[i] + LINE_AROUND;
	k->lines = arena_alloc(k->arena, size, f);
	if (!k->lines)
		return -1;
	for (i = 0; i < k->count; i++) {
		if (request_secret_write(&k->fields[i], (const char *)k->value[i], k->len[i],
					 k->lines + k->lines_n, size - k->lines_n, &n, f) != 0)
			return -1;
		k->lines_n += n;
	}
	memcpy(k->lines + k->lines_n, REQUEST_HEAD_END, strlen(REQUEST_HEAD_END));
	k->lines_n += strlen(REQUEST_HEAD_END);
	return 0;
}

static int key_make_set(struct key *k, struct failure *f)
{
	struct secret_text texts[SESSION_ENTRIES_MAX];
	size_t i;

	k->set = arena_alloc(k->arena, sizeof(*k->set), f);
	if (!k->set)
		return -1;
	for (i = 0; i < k->count; i++)
		texts[i] = (struct secret_text){ k->value[i], k->len[i] };
	return secret_set_init(k->set, texts, k->count, f);
}

static int key_add(struct key *k, uint64_t index, uint64_t count, const uint8_t *p, size_t n,
		   struct failure *f)
{
	if (index == 0)
		key_wipe(k);
	if (count != k->count || index != k->have || index >= k->count)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a key that is none of this session's");
	if (wire_token_check(p, n, f) != 0)
		return -1;
	k->value[index] = arena_alloc(k->arena, n, f);
	if (!k->value[index])
		return -1;
	memcpy(k->value[index], p, n);
	k->len[index] = n;
	k->have++;
	if (k->have < k->count)
		return 0;
	return key_write_lines(k, f) != 0 ? -1 : key_make_set(k, f);
}

int key_take(struct key *k, uint64_t index, uint64_t count, const uint8_t *p, size_t n,
	     struct failure *f)
{
	if (key_add(k, index, count, p, n, f) == 0)
		return 0;
	key_wipe(k);
	return -1;
}
