/*
 * vault/images.h - which program each name led to at its last launch.
 *
 * In the vault, so that a session, which can write its user's files, cannot make the next
 * launch take another program for the one that is known.
 */
#ifndef VAULT_IMAGES_H
#define VAULT_IMAGES_H

#include <stddef.h>
#include <stdint.h>

struct byte_reader;
struct failure;
struct image;
struct vault;

#define IMAGES_MAX 8 /* names; the one that was kept longest ago goes first */

/* The one of that name, or NULL.  Valid until the next change. */
const struct image *vault_image(const struct vault *v, const char *name);

/* Number i, or NULL. */
const struct image *vault_image_at(const struct vault *v, unsigned i);

/* Keep it, with its digest.  vault_undo takes it back.  0, or -1 with FAIL_BAD_VALUE,
 * FAIL_NO_MEMORY. */
int vault_image_keep(struct vault *v, const struct image *i, struct failure *f);

/* The same for forgetting one.  FAIL_NO_ENTRY, FAIL_NO_MEMORY. */
int vault_image_forget(struct vault *v, const char *name, struct failure *f);

/* Their bytes in the box (docs/VAULT.md): how many, written to p, read from c. */
size_t images_size(const struct vault *v);
uint8_t *images_write(const struct vault *v, uint8_t *p);
int images_read(struct vault *v, struct byte_reader *c, struct failure *f);

#endif
