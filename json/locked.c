/*
 * json/locked.c - a bump allocator for jansson in locked pages.
 */
#include "json/locked.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/locked.h"

#define ALIGN 16

/*
 * Measured by an array of numbers: two bytes of text become a value of 32 bytes and,
 * since arrays grow by doubling, 16 bytes of tables.  A long text of tiny objects and
 * empty arrays needs more, and cannot be parsed.
 */
#define ROOM_PER_BYTE 48
#define ROOM_LEAST (64 * 1024)

static uint8_t *region;
static size_t size, used;

static void *region_take(size_t n)
{
	void *p = region + used;

	if (n > size - used)
		return NULL;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	used = n > size - used ? size : used + n;
	return p;
}

/* In place of free(): js_locked_end() frees all of it. */
static void region_keep(void *p)
{
	(void)p;
}

int js_locked_begin(size_t room, struct failure *f)
{
	region = locked_map(room, f);
	if (!region)
		return -1;
	size = room;
	used = 0;
	json_set_alloc_funcs(region_take, region_keep);
	return 0;
}

void js_locked_end(void)
{
	if (!region)
		return;
	json_set_alloc_funcs(malloc, free);
	locked_unmap(region, size);
	region = NULL;
	size = used = 0;
}

size_t js_locked_room(size_t n)
{
	return ROOM_PER_BYTE * n + ROOM_LEAST;
}
