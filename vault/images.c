/*
 * vault/images.c - the list of images, and its bytes.
 */
#include "vault/images.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "vault/bytes.h"
#include "vault/errors.h"
#include "vault/format.h"
#include "vault/tagged_fields.h"
#include "vault/undo.h"
#include "vault/vault_private.h"

enum image_tag {
	IMAGE_NAME = 1,
	IMAGE_PATH,
	IMAGE_FILE,
	IMAGE_OWNER,
	IMAGE_IDENTITY,
	IMAGE_DIGEST,
	/* of a script, all three */
	IMAGE_INTERPRETER,
	IMAGE_INTERPRETER_FILE,
	IMAGE_INTERPRETER_OWNER,
	IMAGE_TAG_END
};
#define IMAGE_TAGS_PROGRAM ((1u << IMAGE_INTERPRETER) - (1u << IMAGE_NAME))
#define IMAGE_TAGS_SCRIPT ((1u << IMAGE_TAG_END) - (1u << IMAGE_NAME))

const struct image *vault_image_at(const struct vault *v, unsigned i)
{
	return i < v->images ? &v->image[i] : NULL;
}

const struct image *vault_image(const struct vault *v, const char *name)
{
	unsigned i;

	for (i = 0; i < v->images; i++)
		if (strcmp(v->image[i].name, name) == 0)
			return &v->image[i];
	return NULL;
}

/* ---- changing ---- */

static int undo_keep_images(struct vault *v, struct failure *f)
{
	undo_drop(v);
	v->undo.images = malloc(sizeof(v->image));
	if (!v->undo.images)
		return vault_fail_no_memory(f);
	memcpy(v->undo.images, v->image, sizeof(v->image));
	v->undo.image_count = v->images;
	v->undo.kind = UNDO_IMAGES;
	return 0;
}

static void image_cut(struct vault *v, unsigned at)
{
	v->images--;
	memmove(&v->image[at], &v->image[at + 1], (v->images - at) * sizeof(v->image[0]));
}

int vault_image_keep(struct vault *v, const struct image *i, struct failure *f)
{
	const struct image *old = vault_image(v, i->name);

	if (!image_ok(i) || !i->digest[0])
		return fail_set(f, FAIL_BAD_VALUE, NULL, "this image cannot be kept");
	if (undo_keep_images(v, f) != 0)
		return -1;
	if (old || v->images == IMAGES_MAX)
		image_cut(v, old ? (unsigned)(old - v->image) : 0);
	v->image[v->images++] = *i;
	return 0;
}

int vault_image_forget(struct vault *v, const char *name, struct failure *f)
{
	const struct image *old = vault_image(v, name);

	if (!old)
		return vault_fail_no_entry(f, "forget the program", name);
	if (undo_keep_images(v, f) != 0)
		return -1;
	image_cut(v, (unsigned)(old - v->image));
	return 0;
}

/* ---- bytes ---- */

static size_t file_size(const struct image_file *i)
{
	return 3 * FIELD_HEAD_LEN + strlen(i->path) + strlen(i->file) + 8;
}

static size_t image_size(const struct image *i)
{
	return 3 * FIELD_HEAD_LEN + strlen(i->name) + strlen(i->identity) + strlen(i->digest) +
	       file_size(&i->program) + (i->interpreter.path[0] ? file_size(&i->interpreter) : 0);
}

size_t images_size(const struct vault *v)
{
	size_t n = v->images ? 4 : 0;
	unsigned i;

	for (i = 0; i < v->images; i++)
		n += 4 + image_size(&v->image[i]);
	return n;
}

static uint8_t *text_write(uint8_t *p, enum image_tag tag, const char *text)
{
	return bytes_put_field(p, tag, text, strlen(text));
}

uint8_t *images_write(const struct vault *v, uint8_t *p)
{
	const struct image *i;
	unsigned k;

	if (v->images == 0)
		return p;
	p = bytes_put_le(p, v->images, 4);
	for (k = 0; k < v->images; k++) {
		i = &v->image[k];
		p = bytes_put_le(p, image_size(i), 4);
		p = text_write(p, IMAGE_NAME, i->name);
		p = text_write(p, IMAGE_PATH, i->program.path);
		p = text_write(p, IMAGE_FILE, i->program.file);
		p = bytes_put_number_field(p, IMAGE_OWNER, i->program.owner);
		p = text_write(p, IMAGE_IDENTITY, i->identity);
		p = text_write(p, IMAGE_DIGEST, i->digest);
		if (!i->interpreter.path[0])
			continue;
		p = text_write(p, IMAGE_INTERPRETER, i->interpreter.path);
		p = text_write(p, IMAGE_INTERPRETER_FILE, i->interpreter.file);
		p = bytes_put_number_field(p, IMAGE_INTERPRETER_OWNER, i->interpreter.owner);
	}
	return p;
}

static bool text_read(char *out, size_t size, const uint8_t *p, size_t n)
{
	if (n == 0 || n >= size || memchr(p, 0, n))
		return false;
	memcpy(out, p, n);
	return true;
}

static bool image_read_field(void *to, unsigned tag, const uint8_t *p, size_t n)
{
	struct image *i = to;

	switch ((enum image_tag)tag) {
	case IMAGE_NAME:
		return text_read(i->name, sizeof(i->name), p, n);
	case IMAGE_PATH:
		return text_read(i->program.path, sizeof(i->program.path), p, n);
	case IMAGE_FILE:
		return text_read(i->program.file, sizeof(i->program.file), p, n);
	case IMAGE_OWNER:
		return tagged_number_read(&i->program.owner, p, n);
	case IMAGE_IDENTITY:
		return text_read(i->identity, sizeof(i->identity), p, n);
	case IMAGE_DIGEST:
		return text_read(i->digest, sizeof(i->digest), p, n);
	case IMAGE_INTERPRETER:
		return text_read(i->interpreter.path, sizeof(i->interpreter.path), p, n);
	case IMAGE_INTERPRETER_FILE:
		return text_read(i->interpreter.file, sizeof(i->interpreter.file), p, n);
	case IMAGE_INTERPRETER_OWNER:
		return tagged_number_read(&i->interpreter.owner, p, n);
	case IMAGE_TAG_END:
		break;
	}
	return false;
}

static int image_read(struct image *i, struct byte_reader *c, struct failure *f)
{
	static const struct tagged_fields rules = { "an image", IMAGE_NAME, IMAGE_TAG_END,
						    image_read_field };
	unsigned seen;

	if (tagged_fields_read(c, &rules, i, &seen, f) != 0)
		return -1;
	if ((seen != IMAGE_TAGS_PROGRAM && seen != IMAGE_TAGS_SCRIPT) || !image_ok(i))
		return vault_fail_damaged(f, "an image is not allowed");
	return 0;
}

int images_read(struct vault *v, struct byte_reader *c, struct failure *f)
{
	uint64_t count = byte_reader_take_le(c, 4), n;
	struct byte_reader fields;
	struct image *next;

	if (c->bad || count == 0 || count > IMAGES_MAX)
		return vault_fail_damaged(f, "the number of images is impossible");
	while (v->images < count) {
		next = &v->image[v->images];
		n = byte_reader_take_le(c, 4);
		fields = (struct byte_reader){ byte_reader_take(c, (size_t)n), (size_t)n, false };
		if (c->bad)
			return vault_fail_damaged(f, "an image is cut off");
		memset(next, 0, sizeof(*next));
		if (image_read(next, &fields, f) != 0)
			return -1;
		if (vault_image(v, next->name))
			return vault_fail_damaged(f, "two images have one name");
		v->images++;
	}
	return 0;
}
