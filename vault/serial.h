/*
 * vault/serial.h - the plaintext of the box: lock settings, images and entries as bytes.
 */
#ifndef VAULT_SERIAL_H
#define VAULT_SERIAL_H

#include <stddef.h>
#include <stdint.h>

struct failure;
struct vault;

/* The length of the plaintext, padded. */
size_t serial_size(const struct vault *v);

/* The lowest format version that can hold the contents. */
unsigned serial_version(const struct vault *v);

/* Write the plaintext to p: serial_size bytes of the arena, which are zero. */
void serial_write(const struct vault *v, uint8_t *p);

/* Read n bytes of plaintext into an empty vault.  0, or -1 with FAIL_DAMAGED,
 * FAIL_NEWER, FAIL_NO_MEMORY. */
int serial_read(struct vault *v, unsigned version, const uint8_t *p, size_t n, struct failure *f);

#endif
