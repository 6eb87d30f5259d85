/*
 * wire/pack.c - writing a message.
 */
#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/fail.h"
#include "base/sock.h"
#include "wire/limits.h"
#include "wire/message.h"

struct wire_out {
	msgpack_sbuffer buf;
	msgpack_packer pk;
	const void *secret;
	size_t secret_len;
	bool failed;
};

static void ok(struct wire_out *o, int r)
{
	if (r != 0)
		o->failed = true;
}

struct wire_out *wire_begin(unsigned keys)
{
	struct wire_out *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	msgpack_sbuffer_init(&o->buf);
	msgpack_packer_init(&o->pk, &o->buf, msgpack_sbuffer_write);
	ok(o, msgpack_pack_map(&o->pk, keys));
	return o;
}

static void text(struct wire_out *o, const char *s)
{
	size_t n = strlen(s);

	ok(o, msgpack_pack_str(&o->pk, n));
	ok(o, msgpack_pack_str_body(&o->pk, s, n));
}

struct wire_out *wire_request(const char *op, unsigned more)
{
	struct wire_out *o = wire_begin(more + 2);

	if (o) {
		wire_uint(o, "v", WIRE_VERSION);
		wire_str(o, "op", op);
	}
	return o;
}

struct wire_out *wire_ok(unsigned more)
{
	struct wire_out *o = wire_begin(more + 2);

	if (o) {
		wire_uint(o, "v", WIRE_VERSION);
		wire_bool(o, "ok", true);
	}
	return o;
}

struct wire_out *wire_error(const struct failure *f)
{
	struct wire_out *o = wire_begin(5);

	if (o) {
		wire_uint(o, "v", WIRE_VERSION);
		wire_bool(o, "ok", false);
		wire_str(o, "error", fail_name(f->code));
		wire_str(o, "message", f->what);
		wire_str(o, "hint", f->hint);
	}
	return o;
}

/* Every writer below is called with the NULL of a failed wire_begin too:
 * wire_send then says ENOMEM, once, for the whole message. */
void wire_str(struct wire_out *o, const char *key, const char *value)
{
	if (!o)
		return;
	text(o, key);
	text(o, value);
}

void wire_bool(struct wire_out *o, const char *key, bool value)
{
	if (!o)
		return;
	text(o, key);
	ok(o, value ? msgpack_pack_true(&o->pk) : msgpack_pack_false(&o->pk));
}

void wire_uint(struct wire_out *o, const char *key, uint64_t value)
{
	if (!o)
		return;
	text(o, key);
	ok(o, msgpack_pack_uint64(&o->pk, value));
}

void wire_bin(struct wire_out *o, const char *key, const void *p, size_t n)
{
	if (!o)
		return;
	text(o, key);
	ok(o, msgpack_pack_bin(&o->pk, n));
	ok(o, msgpack_pack_bin_body(&o->pk, p, n));
}

void wire_array(struct wire_out *o, const char *key, unsigned items)
{
	if (!o)
		return;
	text(o, key);
	ok(o, msgpack_pack_array(&o->pk, items));
}

void wire_item(struct wire_out *o, unsigned keys)
{
	if (o)
		ok(o, msgpack_pack_map(&o->pk, keys));
}

void wire_secret(struct wire_out *o, const char *key, const void *p, size_t n)
{
	if (!o)
		return;
	text(o, key);
	ok(o, msgpack_pack_bin(&o->pk, n));
	o->secret = p;
	o->secret_len = n;
}

size_t wire_size(const struct wire_out *o)
{
	return o ? o->buf.size : 0;
}

int wire_send(int fd, const struct wire_out *o, int pass)
{
	struct iovec iov[2];

	if (!o || o->failed) {
		errno = ENOMEM;
		return -1;
	}
	if (o->buf.size + o->secret_len > WIRE_PACKET_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	iov[0].iov_base = o->buf.data;
	iov[0].iov_len = o->buf.size;
	iov[1].iov_base = (void *)(uintptr_t)o->secret;
	iov[1].iov_len = o->secret_len;
	return sock_send(fd, iov, o->secret ? 2 : 1, pass);
}

void wire_out_free(struct wire_out *o)
{
	if (!o)
		return;
	msgpack_sbuffer_destroy(&o->buf);
	free(o);
}
