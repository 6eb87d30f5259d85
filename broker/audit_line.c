/*
 * broker/audit_line.c - one line of the audit log, written and recognised.
 */
#include "broker/audit_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "vault/crypto.h"
#include "wire/prices.h"

#define TEXT_MOST 512 /* bytes of one text */
#define HASH_KEY ",\"hash\":\""
#define HASH_KEY_LEN (sizeof(HASH_KEY) - 1)

static void line_add(struct audit_line *l, const char *s, size_t n)
{
	if (n > sizeof(l->text) - 1 - l->n)
		n = sizeof(l->text) - 1 - l->n;
	memcpy(l->text + l->n, s, n);
	l->n += n;
	l->text[l->n] = '\0';
}

static void line_add_format(struct audit_line *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void line_add_format(struct audit_line *l, const char *fmt, ...)
{
	char text[128];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n > 0)
		line_add(l, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/*
 * A path or a message may have any bytes.  What a person can read stays as it is; a
 * character that would change how the line looks is written as its number, and so is each
 * byte that is no UTF-8.
 */
static void line_add_escaped(struct audit_line *l, const char *value)
{
	size_t at = 0, left = strlen(value);
	unsigned len;
	uint32_t c;

	for (; left > 0 && at < TEXT_MOST; at += len, left -= len) {
		len = utf8_decode(value + at, left, &c);
		if (len == 0) {
			len = 1;
			line_add_format(l, "\\u%04x", (unsigned)(unsigned char)value[at]);
		} else if (c == '"' || c == '\\' || (c <= 0xffff && utf8_misleads(c))) {
			line_add_format(l, "\\u%04x", (unsigned)c);
		} else if (utf8_misleads(c)) {
			line_add_format(l, "\\u%04x\\u%04x", 0xd7c0 + (unsigned)(c >> 10),
					0xdc00 + (unsigned)(c & 0x3ff));
		} else {
			line_add(l, value + at, len);
		}
	}
}

static void line_add_text(struct audit_line *l, const char *key, const char *value)
{
	if (!value || !value[0])
		return;
	line_add_format(l, ",\"%s\":\"", key);
	line_add_escaped(l, value);
	line_add(l, "\"", 1);
}

static void line_add_number(struct audit_line *l, const char *key, uint64_t n)
{
	line_add_format(l, ",\"%s\":%" PRIu64, key, n);
}

static void line_add_sums(struct audit_line *l, const struct audit_sums *s)
{
	int i;

	line_add_number(l, "requests", s->requests);
	line_add_number(l, "refused", s->refused);
	line_add_number(l, "failed", s->failed);
	line_add_number(l, "restarts", s->restarts);
	for (i = 0; i < TOKEN_KINDS; i++)
		line_add_number(l, token_kind_name((enum token_kind)i), s->tokens[i]);
	line_add_number(l, "estimated", s->estimated);
	line_add_number(l, "unpriced", s->unpriced);
	/* Of none of them: absent, which is not a cost of nothing. */
	if (s->requests > s->unpriced)
		line_add_number(l, "cost_micros", s->micros);
}

static void line_add_head(struct audit_line *l, uint64_t seq)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	line_add_format(l, "{\"seq\":%" PRIu64 ",\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\"",
			seq, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			tm.tm_sec, now.tv_nsec / 1000000);
}

void audit_line_format(struct audit_line *l, const struct audit_event *e, uint64_t seq,
		       const char before[AUDIT_HASH_HEX + 1])
{
	uint8_t hash[BLAKE2B_256_LEN];

	l->n = 0;
	line_add_head(l, seq);
	line_add_text(l, "event", e->event);
	line_add_text(l, "result", e->result);
	if (e->pid > 0)
		line_add_number(l, "pid", (uint64_t)e->pid);
	line_add_text(l, "provider", e->provider);
	line_add_text(l, "entries", e->entries);
	line_add_text(l, "delivery", e->delivery);
	line_add_text(l, "session", e->session);
	line_add_text(l, "inside", e->inside);
	line_add_text(l, "image", e->image);
	line_add_text(l, "why", e->why);
	if (e->missing)
		line_add_number(l, "missing", e->missing);
	if (e->sums)
		line_add_sums(l, e->sums);
	blake2b_256(hash, before, AUDIT_HASH_HEX, l->text, l->n);
	hex_encode(l->hash, hash, sizeof(hash));
	line_add(l, HASH_KEY, HASH_KEY_LEN);
	line_add(l, l->hash, AUDIT_HASH_HEX);
	line_add(l, "\"}\n", 3);
}

bool audit_line_read(const char *line, size_t n, uint64_t *seq, char hash[AUDIT_HASH_HEX + 1])
{
	const size_t tail = HASH_KEY_LEN + AUDIT_HASH_HEX + 2;
	const char *key = n > tail ? line + n - tail : NULL;
	char head[32] = "";
	int end = 0;

	memcpy(head, line, n < sizeof(head) - 1 ? n : sizeof(head) - 1);
	if (!key || memcmp(key, HASH_KEY, HASH_KEY_LEN) != 0 ||
	    memcmp(line + n - 2, "\"}", 2) != 0 ||
	    sscanf(head, "{\"seq\":%20" SCNu64 "%n", seq, &end) != 1 || head[end] != ',')
		return false;
	memcpy(hash, key + HASH_KEY_LEN, AUDIT_HASH_HEX);
	hash[AUDIT_HASH_HEX] = '\0';
	return strspn(hash, "0123456789abcdef") == AUDIT_HASH_HEX;
}
