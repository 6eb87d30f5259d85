/*
 * import/sqlite_memory.c - SQLite's allocator in locked pages: blocks of powers of two,
 * and a list of free ones for each size.
 */
#include "import/sqlite_memory.h"

#include <sqlite3.h>
#include <stdint.h>
#include <string.h>

#include "base/fail.h"
#include "base/locked.h"

#define ROOM ((size_t)3 * 1024 * 1024)
#define SIZES 22 /* 2^5 ... 2^21 are used */
#define LEAST 5	 /* a block and its head have 2^5 bytes */
#define HEAD 16	 /* before each block: the power, and alignment */

static uint8_t *region;
static size_t used;
static void *unused[SIZES];

static int power_of(int n)
{
	int p = LEAST;

	while (((size_t)1 << p) < (size_t)n + HEAD)
		p++;
	return p;
}

static void *block_take(int n)
{
	uint8_t *p;
	int power;

	if (n <= 0 || (size_t)n > ROOM / 2 - HEAD)
		return NULL;
	power = power_of(n);
	p = unused[power];
	if (p) {
		memcpy(&unused[power], p, sizeof(void *));
		return p;
	}
	if (((size_t)1 << power) > ROOM - used)
		return NULL;
	p = region + used + HEAD;
	used += (size_t)1 << power;
	p[-1] = (uint8_t)power;
	return p;
}

static void block_give(void *p)
{
	int power = p ? ((uint8_t *)p)[-1] : 0;

	if (!p)
		return;
	explicit_bzero(p, ((size_t)1 << power) - HEAD);
	memcpy(p, &unused[power], sizeof(void *));
	unused[power] = p;
}

static int block_size(void *p)
{
	return p ? (int)(((size_t)1 << ((uint8_t *)p)[-1]) - HEAD) : 0;
}

static int block_round(int n)
{
	return (size_t)n > ROOM / 2 - HEAD ? n : (int)(((size_t)1 << power_of(n)) - HEAD);
}

static void *block_grow(void *p, int n)
{
	void *more;

	if (n <= block_size(p))
		return p;
	more = block_take(n);
	if (more) {
		memcpy(more, p, (size_t)block_size(p));
		block_give(p);
	}
	return more;
}

static int memory_start(void *unneeded)
{
	(void)unneeded;
	return SQLITE_OK;
}

static void memory_stop(void *unneeded)
{
	(void)unneeded;
}

int sqlite_memory_begin(struct failure *f)
{
	static const sqlite3_mem_methods ours = {
		.xMalloc = block_take,
		.xFree = block_give,
		.xRealloc = block_grow,
		.xSize = block_size,
		.xRoundup = block_round,
		.xInit = memory_start,
		.xShutdown = memory_stop,
	};

	region = locked_map(ROOM, f);
	if (!region)
		return -1;
	used = 0;
	memset(unused, 0, sizeof(unused));
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK &&
	    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK &&
	    sqlite3_initialize() == SQLITE_OK)
		return 0;
	sqlite_memory_end();
	return fail_set(f, FAIL_SYSTEM, NULL, "SQLite does not start");
}

void sqlite_memory_end(void)
{
	sqlite3_shutdown();
	locked_unmap(region, ROOM);
	region = NULL;
	used = 0;
}
