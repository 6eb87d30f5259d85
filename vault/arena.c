/*
 * vault/arena.c - the locked region and a first-fit allocator inside it.
 * Every block carries a keyed canary before and behind it; free memory is
 * always zero, so that a block is wiped once, when it is given back.
 */
#include "vault/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/locked.h"

#define ALIGN 16
#define TAIL 8	       /* the canary behind a block's last byte */
#define SPLIT_LEAST 64 /* a rest smaller than header + 32 bytes is not worth a block */

struct arena {
	uint8_t *base;
	size_t size;
	size_t used;
	uint64_t secret; /* keys the canaries */
	pid_t owner;	 /* the region does not exist in a forked child */
	int smaps;	 /* /proc/self/smaps, kept open for a sandboxed process */
};

/* In front of every block.  want is 0 while the block is free. */
struct block {
	uint64_t size;	 /* with this header; a multiple of ALIGN */
	uint64_t before; /* size of the block in front, 0 for the first */
	uint64_t want;	 /* the bytes that were asked for */
	uint64_t canary;
};

_Static_assert(sizeof(struct block) % ALIGN == 0, "blocks must keep payloads aligned");

static _Noreturn void arena_abort(void)
{
	static const char text[] = "locked memory is corrupt: stopping\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)ignored;
	abort();
}

static uint64_t block_canary(const struct arena *a, const struct block *b)
{
	static const uint64_t odd = 0x9e3779b97f4a7c15u;
	uint64_t x = a->secret ^ (uint64_t)(uintptr_t)b;

	x = (x + b->size) * odd;
	x ^= x >> 29;
	x = (x + b->before) * odd;
	x ^= x >> 31;
	x = (x + b->want) * odd;
	return x ^ x >> 30;
}

/* The canary behind the payload.  Unlike the header's it stays the same until release. */
static uint64_t block_tail_canary(const struct arena *a, const struct block *b)
{
	return ~a->secret ^ (uint64_t)(uintptr_t)b ^ b->want << 32;
}

static void block_set(const struct arena *a, struct block *b, uint64_t size, uint64_t before,
		      uint64_t want)
{
	b->size = size;
	b->before = before;
	b->want = want;
	b->canary = block_canary(a, b);
}

/* Abort on a header that this allocator did not write, before its sizes are used. */
static void block_check(const struct arena *a, const struct block *b)
{
	size_t at = (size_t)((const uint8_t *)b - a->base);

	if (b->canary != block_canary(a, b))
		arena_abort();
	if (b->size < sizeof(*b) || b->size > a->size - at || b->before > at)
		arena_abort();
}

static struct block *block_after(const struct arena *a, struct block *b)
{
	uint8_t *next = (uint8_t *)b + b->size;

	return next == a->base + a->size ? NULL : (struct block *)(void *)next;
}

/* ---- the region ---- */

bool arena_verify(const struct arena *a)
{
	/* In a child the descriptor would still describe the parent. */
	return a->owner == getpid() && locked_verify(a->base, a->size, a->smaps);
}

/* Map and lock `size` bytes.  Returns 0, or -1 with nothing left behind. */
static int arena_map(struct arena *a, size_t size)
{
	uint8_t *base = locked_map_verified(size, a->smaps);

	/* A lock is not inherited: a forked child must not have the pages. */
	if (base && madvise(base, size, MADV_DONTFORK) != 0) {
		locked_unmap(base, size);
		base = NULL;
	}
	if (!base)
		return -1;
	a->base = base;
	a->size = size;
	return 0;
}

static int arena_fail_not_locked(struct failure *f)
{
	return fail_set(f, FAIL_NOT_LOCKED_MEM,
			"raise RLIMIT_MEMLOCK to 1 MiB or more (ulimit -l 1024; with systemd "
			"LimitMEMLOCK=1M; for all logins /etc/security/limits.conf)",
			"cannot keep secrets in locked memory: the kernel locks no %d KiB",
			ARENA_LEAST / 1024);
}

struct arena *arena_new(size_t want, struct failure *f)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct arena *a;
	size_t size;

	if (want < ARENA_LEAST)
		want = ARENA_LEAST;
	if (want > SIZE_MAX / 4) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "cannot lock memory: %zu bytes are too many",
			 want);
		return NULL;
	}
	a = calloc(1, sizeof(*a));
	if (!a) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "cannot lock memory: out of memory");
		return NULL;
	}
	a->owner = getpid();
	a->smaps = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	if (a->smaps < 0) {
		fail_set(f, FAIL_NOT_LOCKED_MEM, "mount /proc",
			 "cannot verify locked memory: /proc/self/smaps: %s", strerror(errno));
		free(a);
		return NULL;
	}
	for (size = (want + page - 1) / page * page;;) {
		if (arena_map(a, size) == 0)
			break;
		if (size <= ARENA_LEAST) {
			arena_fail_not_locked(f);
			(void)close(a->smaps);
			free(a);
			return NULL;
		}
		size = size / 2 < ARENA_LEAST ? ARENA_LEAST : size / 2;
		size = (size + page - 1) / page * page;
	}
	randombytes_buf(&a->secret, sizeof(a->secret));
	block_set(a, (struct block *)(void *)a->base, a->size, 0, 0);
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	/* In a forked child there is nothing to wipe and nothing mapped. */
	if (a->owner == getpid())
		locked_unmap(a->base, a->size);
	(void)close(a->smaps);
	sodium_memzero(a, sizeof(*a));
	free(a);
}

/* ---- blocks ---- */

/* Take the front of a free block; what is left over stays free. */
static void block_take(struct arena *a, struct block *b, uint64_t need, size_t n)
{
	struct block *rest, *after = block_after(a, b);
	uint64_t over = b->size - need;
	uint64_t tail;

	if (over >= SPLIT_LEAST) {
		rest = (struct block *)(void *)((uint8_t *)b + need);
		block_set(a, rest, over, need, 0);
		if (after)
			block_set(a, after, after->size, over, after->want);
	} else {
		need = b->size;
	}
	block_set(a, b, need, b->before, n);
	tail = block_tail_canary(a, b);
	memcpy((uint8_t *)(b + 1) + n, &tail, TAIL);
	a->used += need;
}

void *arena_alloc(struct arena *a, size_t n, struct failure *f)
{
	struct block *b;
	uint64_t need;

	if (n == 0)
		n = 1;
	if (n < a->size) {
		need = sizeof(*b) + (n + TAIL + ALIGN - 1) / ALIGN * ALIGN;
		for (b = (struct block *)(void *)a->base; b; b = block_after(a, b)) {
			block_check(a, b);
			if (b->want != 0 || b->size < need)
				continue;
			if (block_after(a, b))
				block_check(a, block_after(a, b));
			block_take(a, b, need, n);
			return b + 1;
		}
	}
	fail_set(f, FAIL_NO_MEMORY,
		 "remove entries that are not needed, or raise RLIMIT_MEMLOCK when status "
		 "shows less than 1 MiB",
		 "cannot keep %zu more bytes in locked memory: %zu of %zu KiB are in use", n,
		 a->used / 1024, a->size / 1024);
	return NULL;
}

/* Join b with the free block behind it; the absorbed header is wiped. */
static void block_join(struct arena *a, struct block *b)
{
	struct block *next = block_after(a, b), *after;
	uint64_t size;

	if (!next)
		return;
	block_check(a, next);
	if (next->want != 0)
		return;
	size = b->size + next->size;
	after = block_after(a, next);
	sodium_memzero(next, sizeof(*next));
	block_set(a, b, size, b->before, 0);
	if (after) {
		block_check(a, after);
		block_set(a, after, after->size, size, after->want);
	}
}

void arena_release(struct arena *a, void *p)
{
	uint8_t *at = p;
	struct block *b, *front;
	uint64_t tail;

	if (!p)
		return;
	if (at < a->base + sizeof(*b) || at >= a->base + a->size ||
	    (size_t)(at - a->base) % ALIGN != 0)
		arena_abort();
	b = (struct block *)p - 1;
	block_check(a, b);
	if (b->want == 0 || b->want > b->size - sizeof(*b) - TAIL)
		arena_abort();
	memcpy(&tail, at + b->want, TAIL);
	if (tail != block_tail_canary(a, b))
		arena_abort();
	a->used -= b->size;
	if (control_active(CONTROL_ARENA_WIPE))
		sodium_memzero(p, b->size - sizeof(*b));
	block_set(a, b, b->size, b->before, 0);
	block_join(a, b);
	if (b->before == 0)
		return;
	front = (struct block *)(void *)((uint8_t *)b - b->before);
	block_check(a, front);
	if (front->want == 0)
		block_join(a, front);
}

size_t arena_size(const struct arena *a)
{
	return a->size;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
