/*
 * broker/ledger.c - lines appended to a file beside the vault.
 */
#include "broker/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/utf8.h"
#include "broker/vault_store.h"
#include "vault/crypto.h"

#define CHECK_BYTES 8
#define CHECK_TEXT (2 * CHECK_BYTES + 1)

static void check_of(const char *p, size_t n, char out[CHECK_TEXT])
{
	uint8_t hash[BLAKE2B_256_LEN];

	blake2b_256(hash, p, n, NULL, 0);
	hex_encode(out, hash, CHECK_BYTES);
}

/* ---- writing lines ---- */

static void line_add(struct ledger_line *l, const char *p, size_t n)
{
	if (n > sizeof(l->text) - l->n) {
		l->bad = true;
		return;
	}
	memcpy(l->text + l->n, p, n);
	l->n += n;
}

void ledger_line_begin(struct ledger_line *l, const char *kind)
{
	l->n = 0;
	l->bad = false;
	line_add(l, kind, strlen(kind));
}

/* With a tab, a line end or another character that no field has. */
static bool text_has_control(const char *text, size_t n)
{
	for (; n > 0; text++, n--)
		if (utf8_control(text, n))
			return true;
	return false;
}

void ledger_line_text(struct ledger_line *l, const char *text)
{
	size_t n = strlen(text);

	if (text_has_control(text, n))
		l->bad = true;
	line_add(l, "\t", 1);
	line_add(l, text, n);
}

void ledger_line_number(struct ledger_line *l, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	ledger_line_text(l, text);
}

void ledger_line_signed(struct ledger_line *l, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	ledger_line_text(l, text);
}

int ledger_line_end(struct ledger_line *l, struct failure *f)
{
	char check[CHECK_TEXT];

	check_of(l->text, l->n, check);
	line_add(l, "\t", 1);
	line_add(l, check, CHECK_TEXT - 1);
	line_add(l, "\n", 1);
	return l->bad ? fail_set(f, FAIL_INTERNAL, NULL, "a line of numbers cannot be written") : 0;
}

/* ---- reading lines ---- */

bool ledger_split(char *line, struct ledger_fields *out)
{
	char check[CHECK_TEXT], *last = strrchr(line, '\t'), *p;

	memset(out, 0, sizeof(*out));
	if (!last)
		return false;
	check_of(line, (size_t)(last - line), check);
	if (strcmp(last + 1, check) != 0)
		return false;
	*last = '\0';
	for (p = line; p; out->n++) {
		if (out->n == LEDGER_FIELDS)
			return false;
		out->at[out->n] = p;
		p = strchr(p, '\t');
		if (p)
			*p++ = '\0';
	}
	out->next = 1;
	return true;
}

static const char *field_take(struct ledger_fields *l)
{
	if (l->next < l->n)
		return l->at[l->next++];
	l->bad = true;
	return "";
}

uint64_t ledger_take_number(struct ledger_fields *l)
{
	const char *text = field_take(l);
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || !(text[0] >= '0' && text[0] <= '9'))
		l->bad = true;
	return n;
}

int64_t ledger_take_signed(struct ledger_fields *l)
{
	const char *text = field_take(l);
	long long n;
	char *end;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end || end == text)
		l->bad = true;
	return n;
}

/* MUST: as strict as the writer.  A text that could be read and not be written would be there
 * for ever, and no file could be made without it. */
void ledger_take_text(struct ledger_fields *l, char *out, size_t size)
{
	const char *text = field_take(l);
	size_t n = strlen(text);

	if (n >= size || text_has_control(text, n)) {
		l->bad = true;
		n = 0;
	}
	memcpy(out, text, n);
	out[n] = '\0';
}

/* ---- the file ---- */

static void ledger_forget(struct ledger *g)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
	g->unsynced = false;
}

void ledger_close(struct ledger *g)
{
	ledger_sync(g, 0, true, NULL);
	ledger_forget(g);
}

/* Is it the file that was written, and as long? */
static int ledger_check_file(const struct ledger *g, int fd, struct failure *f)
{
	struct stat here, named;

	if (fstat(fd, &here) != 0 ||
	    fstatat(g->store->dir, g->leaf, &named, AT_SYMLINK_NOFOLLOW) != 0)
		return fail_errno(f, NULL, "cannot look at %s beside %s", g->leaf, g->store->path);
	if (here.st_ino != named.st_ino || here.st_dev != named.st_dev ||
	    (uint64_t)here.st_size != g->size)
		return fail_set(f, FAIL_CHANGED, NULL, "another program changed %s beside %s",
				g->leaf, g->store->path);
	return 0;
}

int ledger_sync(struct ledger *g, int64_t now, bool force, struct failure *f)
{
	if (!g->unsynced || g->fd < 0 || (!force && now - g->synced_ms < LEDGER_SYNC_MS))
		return 0;
	if (ledger_check_file(g, g->fd, f) != 0) {
		ledger_forget(g);
		return -1;
	}
	if (fdatasync(g->fd) != 0) {
		fail_errno(f, NULL, "cannot write %s beside %s", g->leaf, g->store->path);
		ledger_forget(g);
		return -1;
	}
	g->synced_ms = now;
	g->unsynced = false;
	return 0;
}

int ledger_append(struct ledger *g, struct ledger_line *l, struct failure *f)
{
	ssize_t w;

	if (ledger_line_end(l, f) != 0)
		return -1;
	if (g->fd < 0)
		return fail_set(f, FAIL_SYSTEM, NULL, "%s beside %s has to be written anew",
				g->leaf, g->store->path);
	do
		w = write(g->fd, l->text, l->n);
	while (w < 0 && errno == EINTR);
	if (w != (ssize_t)l->n) {
		if (w >= 0)
			errno = ENOSPC;
		fail_errno(f, NULL, "cannot write %s beside %s", g->leaf, g->store->path);
		ledger_forget(g);
		return -1;
	}
	g->size += l->n;
	g->unsynced = true;
	return ledger_sync(g, clock_now_ms(), false, f);
}

int ledger_replace(struct ledger *g, const char *text, size_t n, struct failure *f)
{
	struct stat st;

	ledger_forget(g);
	if (store_write_beside(g->store, g->leaf, text, n, f) != 0)
		return -1;
	/* What is in its place by now need not be a file: a FIFO would have the broker wait. */
	g->fd = openat(g->store->dir, g->leaf,
		       O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (g->fd < 0)
		return fail_errno(f, NULL, "cannot open %s beside %s", g->leaf, g->store->path);
	if (fstat(g->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		ledger_forget(g);
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s beside %s is no regular file",
				g->leaf, g->store->path);
	}
	g->size = n;
	g->synced_ms = clock_now_ms();
	return 0;
}
