/*
 * wire/pack.h - write one message: a msgpack map in one packet.
 *
 * Every function takes NULL for the message, which is what is left when memory ran
 * out: a caller checks once, by wire_send.
 */
#ifndef WIRE_PACK_H
#define WIRE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;

/* A message being written, in ordinary memory: never a secret (see wire_put_secret). */
struct wire_out;

/* Begin a request {v, op, ...}.  NULL when out of memory.  The caller frees it with
 * wire_out_free. */
struct wire_out *wire_request(const char *op);

/* Begin an answer {v, ok:true, ...}. */
struct wire_out *wire_ok(void);

/* The whole of {v, ok:false, error, message, hint}. */
struct wire_out *wire_error(const struct failure *f);

/* Add one key with its value, which is copied. */
void wire_put_str(struct wire_out *o, const char *key, const char *value);
void wire_put_bool(struct wire_out *o, const char *key, bool value);
void wire_put_uint(struct wire_out *o, const char *key, uint64_t value);
void wire_put_bin(struct wire_out *o, const char *key, const void *p, size_t n); /* public bytes */

/*
 * An array of maps: wire_begin_array, then for each map wire_begin_item and its keys.
 * wire_end_array goes before the next key of the message itself.
 */
void wire_begin_array(struct wire_out *o, const char *key);
void wire_begin_item(struct wire_out *o);
void wire_end_array(struct wire_out *o);

/*
 * The message's last key, a secret: its header is written, its n bytes are
 * sent from p by wire_send and never copied.  p must live until then.
 */
void wire_put_secret(struct wire_out *o, const char *key, const void *p, size_t n);

/*
 * Send it as one packet on fd, with descriptor pass (-1: none).  Returns 0 or -1
 * with errno: EMSGSIZE over WIRE_PACKET_MAX, ENOMEM when writing ran out of memory,
 * EINVAL when the calls make no message (a key between items, an item outside an
 * array, a key after the secret), or what sendmsg(2) says.
 */
int wire_send(int fd, const struct wire_out *o, int pass);

void wire_out_free(struct wire_out *o); /* NULL-safe */

#endif
