/*
 * tests/fuzz/fuzz_statusline.c - damaged input and hostile names through the
 * status line, whose bytes must stay what a terminal's line may have.
 *
 *   fuzz_statusline SECONDS [FIRST]
 *
 * Line number N is the same in every run; FIRST begins there.  Built with the
 * sanitizers; what it checks itself aborts with the line's number.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/utf8.h"
#include "statusline/line.h"
#include "statusline/parts.h"
#include "display/text.h"

static const char seed[] =
	"{\"cwd\":\"/home/dev/app\",\"session_name\":\"idea\",\"effort\":{\"level\":\"medium\"},\"model\":"
	"{\"id\":\"m\",\"display_name\":\"Opus 5.5\"},\"workspace\":{\"current_dir\":\"/home/dev/app\","
	"\"project_dir\":\"/home/dev/app\",\"repo\":{\"host\":\"github.com\",\"owner\":\"acme\",\"name\":\"app\"}},"
	"\"worktree\":{\"branch\":\"w\\ud83d\\ude80\"},\"cost\":{\"total_cost_usd\":8e-05,\"total_duration_ms\":"
	"9551,\"total_lines_added\":12,\"total_lines_removed\":3},\"context_window\":{\"context_window_size\":"
	"200000,\"current_usage\":{\"input_tokens\":8000,\"cache_creation_input_tokens\":4000,"
	"\"cache_read_input_tokens\":12000},\"used_percentage\":12},\"rate_limits\":{\"five_hour\":"
	"{\"used_percentage\":23.5,\"resets_at\":1795344000},\"seven_day\":{\"used_percentage\":8.0}}}";

/* What damage is made of: what terminals obey, what hides, what JSON is made of. */
static const char *const pieces[] = {
	"\033[31m", "\033]0;x\007", "\033]8;;http://x\033\\", "\\u001b[2J", "\\u0000", "\\u009b", "\\u202e",
	"\xe2\x80\xae", "\xc2\x9b", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\\ud83d", "\r", "\n", "\\n", "\x7f",
	"\xf3\xa0\x80\xa1", "\xe6\xbc\xa2", "e\xcc\x81\xcc\x82\xcc\x83", "null", "-1", "1e999", "1e300", "[",
	"{", "}", "\"", "\\", "99999999999999999999", "true", "\"\"", "\xef\xbb\xbf", "%s%n", "..", "/",
};

static uint64_t number; /* of the line at hand */
static struct facts k;
static struct line line;
static char bytes[LINE_BYTES];

/* splitmix64: any number begins a good sequence. */
static uint64_t rnd_state;

static uint64_t rnd(void)
{
	uint64_t z = rnd_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t below(size_t n)
{
	return n ? (size_t)(rnd() % n) : 0;
}

#define MUST(c)                                                                                    \
	do {                                                                                       \
		if (!(c)) {                                                                        \
			fprintf(stderr, "fuzz_statusline: line %llu: %s\n",                        \
				(unsigned long long)number, #c);                                   \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* ---- damage ---- */

static size_t insert(char *buf, size_t n, size_t room)
{
	const char *piece = pieces[below(sizeof(pieces) / sizeof(pieces[0]))];
	size_t len = strlen(piece), at = below(n + 1);

	if (n + len > room)
		return n;
	memmove(buf + at + len, buf + at, n - at);
	memcpy(buf + at, piece, len);
	return n + len;
}

static size_t damage(char *buf, size_t n, size_t room)
{
	size_t times = below(5), at, len;

	while (times--) {
		at = below(n);
		switch (n ? below(4) : 3) {
		case 0:
			buf[at] = (char)rnd();
			break;
		case 1:
			n = below(8) ? n : at;
			break;
		case 2:
			len = below(n - at < 40 ? n - at : 40);
			memmove(buf + at, buf + at + len, n - at - len);
			n -= len;
			break;
		default:
			n = insert(buf, n, room);
		}
	}
	return n;
}

/* A text of a field that is not the input's. */
static void name(char *out, size_t size)
{
	char text[512];
	size_t n = damage(text, (size_t)snprintf(text, sizeof(text), "name"), sizeof(text) - 1);

	while (below(4))
		n = insert(text, n, sizeof(text) - 1);
	text[n] = '\0';
	snprintf(out, size, "%s", text);
}

static void make_facts(void)
{
	static char buf[INPUT_MAX];
	size_t n = sizeof(seed) - 1, i;

	memset(&k, 0, sizeof(k));
	statusline_settings_default(&k.settings);
	memcpy(buf, seed, n);
	n = damage(buf, n, sizeof(buf));
	input_parse(buf, n, &k.input);
	k.mistake = below(8) ? "" : "ccrun.conf:3?";
	k.redirect = (enum redirect)below(3);
	k.now = 1795300000;
	for (k.settings.parts = 0; k.settings.parts < PART_COUNT; k.settings.parts++)
		k.settings.part[k.settings.parts] = (enum status_part)k.settings.parts;
	k.settings.reset = (enum status_reset)below(3);
	k.settings.dirty = true;
	k.settings.label = k.settings.branch = k.settings.repo = (unsigned)(1 + below(200));
	snprintf(k.settings.window[k.settings.windows++], STATUS_WINDOW, "all");
	name(k.settings.separator, sizeof(k.settings.separator));
	name(k.provider.label, sizeof(k.provider.label));
	k.git.found = below(2);
	name(k.git.branch, sizeof(k.git.branch));
	name(k.git.repo, sizeof(k.git.repo));
	name(k.git.url, sizeof(k.git.url));
	snprintf(k.git.url, 9, "https://");
	k.quota.state = (unsigned)below(5);
	for (i = k.quota.items = (unsigned)below(QUOTA_ITEMS + 1); i-- > 0;) {
		name(k.quota.item[i].label, sizeof(k.quota.item[i].label));
		name(k.quota.item[i].amount, sizeof(k.quota.item[i].amount));
		name(k.quota.item[i].currency, sizeof(k.quota.item[i].currency));
		k.quota.item[i].is_percent = below(2);
		k.quota.item[i].percent = (double)below(1000000);
		k.quota.item[i].reset = (int64_t)(rnd() >> 20);
	}
}

/* ---- what a line may have ---- */

/* The length of one of our own sequences at p, or 0. */
static size_t own_sequence(const char *p)
{
	size_t n;

	if (strncmp(p, "\033[", 2) == 0) {
		n = 2 + strspn(p + 2, "0123456789;");
		return p[n] == 'm' ? n + 1 : 0;
	}
	if (strncmp(p, "\033]8;;", 5) != 0)
		return 0;
	for (n = 5; p[n] > ' ' && p[n] <= '~'; n++)
		;
	return p[n] == '\033' && p[n + 1] == '\\' ? n + 2 : 0;
}

static void check(bool plain)
{
	size_t n = line_bytes(&line, plain, bytes), i, own;
	uint32_t c;
	unsigned len;

	MUST(n > 1 && n < LINE_BYTES && n == strlen(bytes) && bytes[n - 1] == '\n');
	for (i = 0; i + 1 < n; i += len) {
		own = plain ? 0 : own_sequence(bytes + i);
		if (own) {
			len = (unsigned)own;
			continue;
		}
		len = utf8_decode(bytes + i, n - i, &c);
		MUST(len);
		MUST(c >= ' ' && !(c >= 0x7f && c <= 0x9f));
		MUST(!(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e));
		MUST(!(c >= 0x2060 && c <= 0x206f) && c != 0xfeff && c != 0x61c && !(c >= 0xe0000 && c <= 0xe0fff));
	}
}

int main(int argc, char **argv)
{
	int64_t end = io_now_ms() + (argc > 1 ? atoi(argv[1]) : 5) * 1000;
	unsigned columns;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, parsed = 0;

	for (number = first; io_now_ms() < end; number++) {
		rnd_state = number;
		make_facts();
		parsed += k.input.parsed;
		parts_line(&k, &line);
		columns = (unsigned)below(160);
		line_fit(&line, columns);
		check(false);
		check(true);
		bytes[strlen(bytes) - 1] = '\0';
		MUST(!columns || display_width(bytes) <= columns);
	}
	/* Where nothing is ever read, nothing is tested. */
	MUST(number - first < 1000 || parsed > (number - first) / 10);
	printf("fuzz_statusline: %llu lines, %llu of whole input\n", (unsigned long long)(number - first),
	       (unsigned long long)parsed);
	return 0;
}
