/*
 * wire/pack.c - write a message.
 */
#include "wire/pack.h"

#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/fail.h"
#include "base/sock.h"
#include "wire/limits.h"

#define OPEN_MAX WIRE_DEPTH_MAX /* nested containers that wire_check allows */
#define FIX_MAX 15		/* the largest count in a header of one byte */

/* A map or an array that is being written. */
struct container {
	size_t at; /* its header's offset in the buffer */
	uint16_t count;
	bool map;
};

/*
 * Every header is written with the count 0 and kept right as keys and items are
 * added, so the buffer holds a whole message at any time.
 */
struct wire_out {
	msgpack_sbuffer buf;
	msgpack_packer pk;
	struct container open[OPEN_MAX];
	unsigned depth; /* of open[] */
	const void *secret;
	size_t secret_len;
	int error; /* an errno: the first thing that went wrong */
};

static void out_fail(struct wire_out *o, int error)
{
	if (!o->error)
		o->error = error;
}

static void out_written(struct wire_out *o, int r)
{
	if (r != 0)
		out_fail(o, ENOMEM);
}

static void out_text(struct wire_out *o, const char *s)
{
	size_t n = strlen(s);

	out_written(o, msgpack_pack_str(&o->pk, n));
	out_written(o, msgpack_pack_str_body(&o->pk, s, n));
}

/* Begin a container at the end of the buffer. */
static void out_open(struct wire_out *o, bool map)
{
	if (o->depth == OPEN_MAX) {
		out_fail(o, EINVAL);
		return;
	}
	o->open[o->depth++] = (struct container){ .at = o->buf.size, .map = map };
	out_written(o, map ? msgpack_pack_map(&o->pk, 0) : msgpack_pack_array(&o->pk, 0));
}

/* Replace a header of one byte by one of three; what follows it moves up. */
static void out_widen(struct wire_out *o, const struct container *c)
{
	out_written(o, msgpack_sbuffer_write(&o->buf, "\0", 2));
	if (!o->error)
		memmove(o->buf.data + c->at + 3, o->buf.data + c->at + 1, o->buf.size - c->at - 3);
}

/* Count one more key (map) or item of the innermost container, which must be of that kind. */
static void out_count(struct wire_out *o, bool map)
{
	struct container *c = &o->open[o->depth - 1];
	char *head;

	/* A secret's bytes are sent after the buffer: nothing can follow it. */
	if (c->map != map || o->secret)
		out_fail(o, EINVAL);
	else if (c->count == UINT16_MAX)
		out_fail(o, EMSGSIZE); /* no packet has room for so many */
	if (o->error)
		return;
	c->count++;
	if (c->count == FIX_MAX + 1)
		out_widen(o, c);
	if (o->error)
		return;
	head = o->buf.data + c->at;
	if (c->count <= FIX_MAX) {
		head[0] = (char)((map ? 0x80 : 0x90) | c->count);
		return;
	}
	head[0] = (char)(map ? 0xde : 0xdc);
	head[1] = (char)(c->count >> 8);
	head[2] = (char)(c->count & 0xff);
}

/* Count and write a key.  true: its value may follow.  o may be NULL, of a failed
 * allocation: wire_send reports that. */
static bool out_key(struct wire_out *o, const char *key)
{
	if (!o)
		return false;
	out_count(o, true);
	if (!o->error)
		out_text(o, key);
	return !o->error;
}

/* {v, ...} */
static struct wire_out *out_begin(void)
{
	struct wire_out *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	msgpack_sbuffer_init(&o->buf);
	msgpack_packer_init(&o->pk, &o->buf, msgpack_sbuffer_write);
	out_open(o, true);
	wire_put_uint(o, "v", WIRE_VERSION);
	return o;
}

struct wire_out *wire_request(const char *op)
{
	struct wire_out *o = out_begin();

	wire_put_str(o, "op", op);
	return o;
}

struct wire_out *wire_ok(void)
{
	struct wire_out *o = out_begin();

	wire_put_bool(o, "ok", true);
	return o;
}

struct wire_out *wire_error(const struct failure *f)
{
	struct wire_out *o = out_begin();

	wire_put_bool(o, "ok", false);
	wire_put_str(o, "error", fail_name(f->code));
	wire_put_str(o, "message", f->what);
	wire_put_str(o, "hint", f->hint);
	return o;
}

void wire_put_str(struct wire_out *o, const char *key, const char *value)
{
	if (out_key(o, key))
		out_text(o, value);
}

void wire_put_bool(struct wire_out *o, const char *key, bool value)
{
	if (out_key(o, key))
		out_written(o, value ? msgpack_pack_true(&o->pk) : msgpack_pack_false(&o->pk));
}

void wire_put_uint(struct wire_out *o, const char *key, uint64_t value)
{
	if (out_key(o, key))
		out_written(o, msgpack_pack_uint64(&o->pk, value));
}

void wire_put_bin(struct wire_out *o, const char *key, const void *p, size_t n)
{
	if (!out_key(o, key))
		return;
	out_written(o, msgpack_pack_bin(&o->pk, n));
	out_written(o, msgpack_pack_bin_body(&o->pk, p, n));
}

void wire_begin_array(struct wire_out *o, const char *key)
{
	if (out_key(o, key))
		out_open(o, false);
}

void wire_begin_item(struct wire_out *o)
{
	if (!o || o->error)
		return;
	/* The item before it ends here. */
	if (o->open[o->depth - 1].map && o->depth > 1)
		o->depth--;
	out_count(o, false);
	if (!o->error)
		out_open(o, true);
}

void wire_end_array(struct wire_out *o)
{
	if (!o || o->error)
		return;
	if (o->open[o->depth - 1].map && o->depth > 1)
		o->depth--;
	if (o->open[o->depth - 1].map)
		out_fail(o, EINVAL);
	else
		o->depth--;
}

void wire_put_secret(struct wire_out *o, const char *key, const void *p, size_t n)
{
	/* Inside an array the key would belong to the last item. */
	if (o && o->depth != 1)
		out_fail(o, EINVAL);
	if (!out_key(o, key))
		return;
	out_written(o, msgpack_pack_bin(&o->pk, n));
	o->secret = p;
	o->secret_len = n;
}

int wire_send(int fd, const struct wire_out *o, int pass)
{
	struct iovec iov[2];

	if (!o || o->error) {
		errno = o ? o->error : ENOMEM;
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
