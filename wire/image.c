/*
 * wire/image.c - an image on the wire, and as text.
 */
#include "wire/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "wire/names.h"
#include "wire/pack.h"
#include "wire/unpack.h"

static bool path_ok(const char *path)
{
	const unsigned char *c = (const unsigned char *)path;

	for (; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			return false;
	return path[0] == '/';
}

static bool file_ok(const struct image_file *i)
{
	return path_ok(i->path) && path_ok(i->file);
}

bool image_ok(const struct image *i)
{
	size_t digits = strspn(i->digest, "0123456789abcdef");

	return wire_name_ok(i->name) && file_ok(&i->program) &&
	       (!i->interpreter.path[0] || file_ok(&i->interpreter)) && i->identity[0] &&
	       strspn(i->identity, "0123456789.:+") == strlen(i->identity) &&
	       strlen(i->digest) == digits && (digits == 0 || digits == IMAGE_DIGEST_HEX);
}

void wire_put_image(struct wire_out *o, const char *key, const struct image *i)
{
	wire_begin_array(o, key);
	wire_begin_item(o);
	wire_put_str(o, "name", i->name);
	wire_put_str(o, "path", i->program.path);
	wire_put_str(o, "file", i->program.file);
	wire_put_uint(o, "owner", i->program.owner);
	wire_put_str(o, "identity", i->identity);
	wire_put_str(o, "digest", i->digest);
	if (!i->interpreter.path[0])
		return;
	wire_put_str(o, "interpreter", i->interpreter.path);
	wire_put_str(o, "interpreter_file", i->interpreter.file);
	wire_put_uint(o, "interpreter_owner", i->interpreter.owner);
}

static int image_get_file(struct wire_map m, const char *path, const char *file, const char *owner,
			  struct image_file *out, struct failure *f)
{
	if (wire_get_text(m, path, out->path, sizeof(out->path), f) != 0 ||
	    wire_get_text(m, file, out->file, sizeof(out->file), f) != 0)
		return -1;
	return wire_get_uint(m, owner, &out->owner, f);
}

int wire_get_image(struct wire_map m, const char *key, struct image *out, struct failure *f)
{
	struct wire_map item;

	memset(out, 0, sizeof(*out));
	if (wire_get_item(m, key, 0, &item, f) != 0 ||
	    wire_get_text(item, "name", out->name, sizeof(out->name), f) != 0 ||
	    image_get_file(item, "path", "file", "owner", &out->program, f) != 0 ||
	    wire_get_text(item, "identity", out->identity, sizeof(out->identity), f) != 0 ||
	    wire_get_text(item, "digest", out->digest, sizeof(out->digest), f) != 0)
		return -1;
	if (wire_has(item, "interpreter") &&
	    image_get_file(item, "interpreter", "interpreter_file", "interpreter_owner",
			   &out->interpreter, f) != 0)
		return -1;
	return image_ok(out)
		       ? 0
		       : fail_set(f, FAIL_BAD_VALUE, NULL, "that cannot be the image of a program");
}

static int file_describe(const struct image_file *i, char *out, size_t size)
{
	bool same = strcmp(i->path, i->file) == 0;

	return snprintf(out, size, "%.100s%s%.100s%s of uid %" PRIu64, i->path, same ? "" : " (",
			same ? "" : i->file, same ? "" : ")", i->owner);
}

void image_describe(const struct image *i, char out[IMAGE_TEXT])
{
	int n = snprintf(out, IMAGE_TEXT, i->interpreter.path[0] ? "script " : "program ");

	n += file_describe(&i->program, out + n, (size_t)(IMAGE_TEXT - n));
	if (!i->interpreter.path[0])
		return;
	n += snprintf(out + n, (size_t)(IMAGE_TEXT - n), ", run by ");
	file_describe(&i->interpreter, out + n, (size_t)(IMAGE_TEXT - n));
}
