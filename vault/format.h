/*
 * vault/format.h - the numbers of the vault's file format; docs/VAULT.md.
 *
 * head | slots | nonce | box length | box | checksum, numbers little-endian.
 */
#ifndef VAULT_FORMAT_H
#define VAULT_FORMAT_H

#include "wire/limits.h"

#define VAULT_MAGIC "ccrunvlt"
#define MAGIC_LEN 8
#define VAULT_VERSION 5		/* written while an image is kept */
#define VAULT_VERSION_DURABLE 4 /* else while the log is durable */
#define VAULT_VERSION_SOURCE 3	/* else while an entry has a source */
#define VAULT_VERSION_PLAIN 2	/* else, for older programs */
#define VAULT_VERSION_FIRST 1	/* only read: no lock settings, no material in slots */
#define TOTAL_AT 12		/* offset of the total length, in every version */
#define HEAD_LEN 46		/* up to and with the slot count */
#define NONCE_LEN 24		/* XChaCha20 */
#define MAC_LEN 16		/* Poly1305 */
#define SUM_LEN 32		/* BLAKE2b-256 at the file's end, in every version */
#define WRAPPED_LEN (KEY_LEN + MAC_LEN)
#define SLOT_HEAD_LEN 17  /* kind, body length, id, created, label length */
#define KDF_LEN 36	  /* alg, ops, mem, salt */
#define PAD_STEP 512	  /* the box grows in steps, which hide the lengths of tokens */
#define PLAIN_HEAD_LEN 12 /* next slot id, entry count, length of the lock settings */
#define FIELD_HEAD_LEN 6  /* u16 tag, u32 length */
#define SETTING_LEN (FIELD_HEAD_LEN + 8)

#endif
