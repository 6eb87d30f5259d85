/*
 * tests/fuzz/fuzz_statusline.c - the client's JSON and hostile names through the
 * status line, whose bytes must stay what a terminal's line may have.
 *
 * An input is the JSON, a line end and a NUL, and then what is not the client's:
 * a byte for each choice, a length and its bytes for each name.
 *
 * Targets: statusline/client_input.c statusline/cells.c statusline/line.c display/
 */
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "statusline/line.h"
#include "statusline/cells.h"
#include "display/text.h"
#define FUZZ_ONE_IN 20
#include "tests/fuzz/fuzz.h"

static struct facts facts;
static struct status_line line;
static char bytes[LINE_BYTES];

/* ---- what is not the client's ---- */

static struct {
	const uint8_t *p;
	size_t n;
} rest;

/* 0 to n - 1; 0 where the input has ended. */
static unsigned next_choice(unsigned n)
{
	if (rest.n == 0)
		return 0;
	rest.n--;
	return *rest.p++ % n;
}

static uint64_t next_number(unsigned bytes_wanted)
{
	uint64_t v = 0;

	while (bytes_wanted--)
		v = v << 8 | next_choice(256);
	return v;
}

static void next_name(char *out, size_t size)
{
	size_t n = next_choice(256), whole = n;

	if (whole > rest.n)
		whole = rest.n;
	n = whole < size ? whole : size - 1;
	if (n > 0)
		memcpy(out, rest.p, n);
	out[n] = '\0';
	rest.p += whole;
	rest.n -= whole;
}

static void make_quota(struct facts *k)
{
	unsigned i;

	k->quota.state = next_choice(5);
	for (i = k->quota.items = next_choice(QUOTA_ITEMS + 1); i-- > 0;) {
		next_name(k->quota.item[i].label, sizeof(k->quota.item[i].label));
		next_name(k->quota.item[i].amount, sizeof(k->quota.item[i].amount));
		next_name(k->quota.item[i].currency, sizeof(k->quota.item[i].currency));
		k->quota.item[i].is_percent = next_choice(2);
		k->quota.item[i].percent = (double)(next_number(3) % 1000000);
		k->quota.item[i].reset = (int64_t)next_number(5);
	}
}

static void make_facts(struct facts *k)
{
	memset(k, 0, sizeof(*k));
	statusline_conf_default(&k->settings);
	k->mistake = next_choice(8) ? "" : "ccrun.conf:3?";
	k->redirect = (enum redirect)next_choice(3);
	k->now = 1795300000;
	for (k->settings.parts = 0; k->settings.parts < PART_COUNT; k->settings.parts++)
		k->settings.part[k->settings.parts] = (enum status_part)k->settings.parts;
	k->settings.reset = (enum status_reset)next_choice(3);
	k->settings.dirty = true;
	k->settings.label = k->settings.branch = k->settings.repo = 1 + next_choice(200);
	snprintf(k->settings.window[k->settings.windows++], STATUS_WINDOW, "all");
	next_name(k->settings.separator, sizeof(k->settings.separator));
	next_name(k->provider.label, sizeof(k->provider.label));
	k->git.found = next_choice(2);
	next_name(k->git.branch, sizeof(k->git.branch));
	next_name(k->git.repo, sizeof(k->git.repo));
	next_name(k->git.url, sizeof(k->git.url));
	/* What the reader of .git promises of an address. */
	memcpy(k->git.url, "https://", 9);
	make_quota(k);
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

static void check_line(bool plain)
{
	size_t n = line_format(&line, plain, bytes), i, own;
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
		MUST(!(c >= 0x2060 && c <= 0x206f) && c != 0xfeff && c != 0x61c &&
		     !(c >= 0xe0000 && c <= 0xe0fff));
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(fuzz_at_exit);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *end = n > 0 ? memmem(p, n, "\n", 2) : NULL;
	size_t json = end ? (size_t)(end - p) : n;
	unsigned columns;
	char *copy;

	if (json > INPUT_MAX)
		return 0;
	fuzz_inputs++;
	rest.p = end ? end + 2 : p + n;
	rest.n = end ? n - json - 2 : 0;
	make_facts(&facts);
	/* The parser takes it apart in place. */
	copy = malloc(json ? json : 1);
	MUST(copy != NULL);
	if (json > 0)
		memcpy(copy, p, json);
	client_input_parse(copy, json, &facts.input);
	free(copy);
	fuzz_understood += facts.input.parsed;
	cells_make(&facts, &line);
	columns = next_choice(160);
	line_fit(&line, columns);
	check_line(false);
	check_line(true);
	bytes[strlen(bytes) - 1] = '\0';
	MUST(!columns || display_width(bytes) <= columns);
	return 0;
}
