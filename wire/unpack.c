/*
 * wire/unpack.c - read a message; strings and bins stay in the packet.
 */
#include "wire/unpack.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "wire/check.h"
#include "wire/limits.h"

/* What wire_in.zone points to. */
struct unpacked {
	msgpack_zone zone;
	msgpack_object object;
};

static const msgpack_object *find_field(struct wire_map m, const char *key)
{
	const msgpack_object *o = m.map;
	size_t n = strlen(key);
	uint32_t i;

	if (!o)
		return NULL;
	for (i = 0; i < o->via.map.size; i++) {
		const msgpack_object_kv *kv = &o->via.map.ptr[i];

		if (kv->key.via.str.size == n && memcmp(kv->key.via.str.ptr, key, n) == 0)
			return &kv->val;
	}
	return NULL;
}

static int fail_wrong_type(struct failure *f, const char *key, const char *want)
{
	return fail_set(f, FAIL_WRONG_TYPE, WIRE_HINT_VERSIONS, "packet: '%s' is missing or not %s",
			key, want);
}

static int check_version(struct wire_in *in, struct failure *f)
{
	uint64_t v = 0;

	if (wire_get_uint(in->top, "v", &v, f) != 0)
		return -1;
	if (v != WIRE_VERSION)
		return fail_set(f, FAIL_NEWER, WIRE_HINT_VERSIONS,
				"protocol version %llu, this program speaks %d",
				(unsigned long long)v, WIRE_VERSION);
	return 0;
}

int wire_parse(struct wire_in *in, const void *packet, size_t n, struct failure *f)
{
	struct unpacked *u;
	size_t off = 0;

	memset(in, 0, sizeof(*in));
	if (wire_check(packet, n, f) != 0)
		return -1;
	u = calloc(1, sizeof(*u));
	if (!u || !msgpack_zone_init(&u->zone, 1024)) {
		free(u);
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a packet");
	}
	in->zone = u;
	if (msgpack_unpack(packet, n, &off, &u->zone, &u->object) != MSGPACK_UNPACK_SUCCESS ||
	    u->object.type != MSGPACK_OBJECT_MAP) {
		wire_in_free(in);
		return fail_set(f, FAIL_MALFORMED, NULL, "malformed packet: it cannot be unpacked");
	}
	in->top.map = &u->object;
	if (check_version(in, f) != 0) {
		wire_in_free(in);
		return -1;
	}
	return 0;
}

void wire_in_free(struct wire_in *in)
{
	struct unpacked *u = in->zone;

	if (u) {
		msgpack_zone_destroy(&u->zone);
		free(u);
	}
	memset(in, 0, sizeof(*in));
}

bool wire_has(struct wire_map m, const char *key)
{
	return find_field(m, key) != NULL;
}

int wire_get_text(struct wire_map m, const char *key, char *out, size_t size, struct failure *f)
{
	const msgpack_object *o = find_field(m, key);
	uint32_t i;

	if (!o || o->type != MSGPACK_OBJECT_STR)
		return fail_wrong_type(f, key, "a string");
	if (o->via.str.size >= size)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "'%s' is longer than %zu bytes", key,
				size - 1);
	for (i = 0; i < o->via.str.size; i++) {
		unsigned char c = (unsigned char)o->via.str.ptr[i];

		if (c < ' ' || c == 0x7f)
			return fail_set(f, FAIL_BAD_VALUE, NULL, "'%s' has a control character",
					key);
	}
	memcpy(out, o->via.str.ptr, o->via.str.size);
	out[o->via.str.size] = '\0';
	return 0;
}

int wire_get_uint(struct wire_map m, const char *key, uint64_t *out, struct failure *f)
{
	const msgpack_object *o = find_field(m, key);

	if (!o || o->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return fail_wrong_type(f, key, "a whole number");
	*out = o->via.u64;
	return 0;
}

int wire_get_bool(struct wire_map m, const char *key, bool *out, struct failure *f)
{
	const msgpack_object *o = find_field(m, key);

	if (!o || o->type != MSGPACK_OBJECT_BOOLEAN)
		return fail_wrong_type(f, key, "true or false");
	*out = o->via.boolean;
	return 0;
}

int wire_get_bin(struct wire_map m, const char *key, const uint8_t **p, size_t *n,
		 struct failure *f)
{
	const msgpack_object *o = find_field(m, key);

	if (!o || o->type != MSGPACK_OBJECT_BIN)
		return fail_wrong_type(f, key, "bin");
	*p = (const uint8_t *)o->via.bin.ptr;
	*n = o->via.bin.size;
	return 0;
}

int wire_get_array(struct wire_map m, const char *key, unsigned *count, struct failure *f)
{
	const msgpack_object *o = find_field(m, key);

	if (!o || o->type != MSGPACK_OBJECT_ARRAY)
		return fail_wrong_type(f, key, "an array");
	*count = o->via.array.size;
	return 0;
}

int wire_get_item(struct wire_map m, const char *key, unsigned i, struct wire_map *out,
		  struct failure *f)
{
	const msgpack_object *o = find_field(m, key);

	out->map = NULL;
	if (!o || o->type != MSGPACK_OBJECT_ARRAY || i >= o->via.array.size ||
	    o->via.array.ptr[i].type != MSGPACK_OBJECT_MAP)
		return fail_wrong_type(f, key, "an array of maps");
	out->map = &o->via.array.ptr[i];
	return 0;
}
