/*
 * wire/message.h - one msgpack map a packet: writing one, reading one.
 *
 * The only home of msgpack.h.  Reading never copies: strings and bins point
 * into the packet, so a secret in a packet stays where the packet is (locked
 * memory in the broker and in ccctl).  Before msgpack-c sees a packet, every
 * length in it is checked against the packet's size (msgpack-c allocates from
 * declared lengths), nesting and key counts are bounded, and duplicate keys
 * and trailing bytes are refused.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;

/* ---- writing ---- */

/* A message being written: ordinary memory, so never a secret (see wire_put_secret). */
struct wire_out;

/*
 * Begin a request {v, op, ...}.  NULL when out of memory, which every function
 * below takes too.  The caller frees it with wire_out_free.
 */
struct wire_out *wire_request(const char *op);

/* Begin an answer {v, ok:true, ...}. */
struct wire_out *wire_ok(void);

/* The whole of {v, ok:false, error, message, hint}. */
struct wire_out *wire_error(const struct failure *f);

void wire_put_str(struct wire_out *o, const char *key, const char *value);
void wire_put_bool(struct wire_out *o, const char *key, bool value);
void wire_put_uint(struct wire_out *o, const char *key, uint64_t value);
void wire_put_bin(struct wire_out *o, const char *key, const void *p, size_t n); /* public bytes */

/*
 * An array of maps: wire_begin_array, for each map wire_begin_item and then its keys.  Keys
 * of the message after it: wire_end_array first.  The keys and the items are
 * counted as they are written.
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
 * Send it as one packet with descriptor pass (or -1).  Returns 0 or -1
 * (errno; EMSGSIZE over WIRE_PACKET_MAX; ENOMEM when writing ran out of memory;
 * EINVAL when it was called in an order that makes no message: a key beside an
 * item, an item outside an array, a key after the secret).
 */
int wire_send(int fd, const struct wire_out *o, int pass);

void wire_out_free(struct wire_out *o); /* NULL-safe */

/* ---- reading ---- */

struct wire_map { const void *map; }; /* borrowed: a map inside a message */

struct wire_in {
	struct wire_map top;
	void *zone; /* msgpack's own memory: pointers only */
};

/*
 * Check and unpack a packet.  The packet must outlive `in`.  Returns 0, or -1
 * with FAIL_MALFORMED, FAIL_DUPLICATE_KEY, FAIL_TRAILING_BYTES, FAIL_TOO_LARGE,
 * FAIL_WRONG_TYPE (no v) or FAIL_NEWER (another v).  in is then empty.
 */
int wire_parse(struct wire_in *in, const void *packet, size_t n, struct failure *f);
void wire_in_free(struct wire_in *in); /* safe on an empty one */

bool wire_has(struct wire_map m, const char *key);

/*
 * Fields; each returns 0 or -1 with FAIL_WRONG_TYPE (absent or of another
 * type) or FAIL_BAD_VALUE.  wire_get_text copies a string without control
 * characters and NULs into out (size bytes with the NUL).
 */
int wire_get_text(struct wire_map m, const char *key, char *out, size_t size, struct failure *f);
int wire_get_uint(struct wire_map m, const char *key, uint64_t *out, struct failure *f);
int wire_get_bool(struct wire_map m, const char *key, bool *out, struct failure *f);
int wire_get_bin(struct wire_map m, const char *key, const uint8_t **p, size_t *n, struct failure *f);
int wire_get_array(struct wire_map m, const char *key, unsigned *count, struct failure *f);
/* Map number i of that array. */
int wire_get_item(struct wire_map m, const char *key, unsigned i, struct wire_map *out, struct failure *f);

/* An entry's, provider's or mode's name: [A-Za-z0-9][A-Za-z0-9._-]{0,63}. */
bool wire_name_ok(const char *name);
/* An environment variable's name: [A-Za-z_][A-Za-z0-9_]{0,63}. */
bool wire_variable_ok(const char *name);
/* A token: 8 to TOKEN_MAX bytes, printable ASCII without a space. */
int wire_token_check(const uint8_t *p, size_t n, struct failure *f);

#endif
