/*
 * client/log.c - ccctl log: print the audit log, and verify its hash chain.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/verbs.h"
#include "json/output.h"
#include "vault/crypto.h"

#define LINES_SHOWN 50
#define HASH_HEX 64
/* How a line ends: ,"hash":"<64 hex digits>"} */
#define TAIL_KEY ",\"hash\":\""
#define TAIL_LEN (sizeof(TAIL_KEY) - 1 + HASH_HEX + 2)

#define RECORD "record.jsonl"
#define RECORD_OLD "record.1.jsonl" /* the file before the last rotation */

struct record {
	FILE *old, *in; /* RECORD_OLD, RECORD; NULL: no such file */
	char path[PATH_SIZE];
};

struct log_chain {
	uint64_t lines;
	uint64_t first;	 /* the first line's sequence number; above 1 after rotations */
	uint64_t bad;	 /* number of the first line that breaks the chain, or 0 */
	uint64_t bad_at; /* its number in its own file */
	bool bad_old;	 /* that is RECORD_OLD */
	char hash[HASH_HEX + 1];
	bool cut; /* the last line has no newline */
};

enum { OPT_JSON = 256, OPT_VERIFY };

static const struct option log_options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "verify", no_argument, NULL, OPT_VERIFY },
	{ NULL, 0, NULL, 0 },
};

/* NULL: with f set, or, if there is no such file, with f untouched. */
static FILE *log_open_file(const char *leaf, char path[PATH_SIZE], struct failure *f)
{
	struct stat st;
	FILE *in;
	int fd;

	if (path_of(PATH_STATE, leaf, path, f) != 0)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		if (errno != ENOENT)
			fail_errno(f, NULL, "%s", path);
		return NULL;
	}
	in = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;
	if (!in) {
		close(fd);
		fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s is no regular file", path);
	}
	return in;
}

/* Copy one of the two files from the system broker into memory.  NULL with f set. */
static FILE *log_fetch_file(struct client *c, bool old, struct failure *f)
{
	uint64_t at = 0, size = 1;
	const uint8_t *part;
	struct wire_out *o;
	size_t n;
	FILE *in;
	int fd;

	fd = memfd_create("record", MFD_CLOEXEC);
	in = fd < 0 ? NULL : fdopen(fd, "w+");
	if (!in) {
		fail_errno(f, NULL, "memory for the record");
		return NULL;
	}
	while (at < size) {
		o = wire_request("record");
		wire_put_uint(o, "at", at);
		wire_put_bool(o, "old", old);
		if (client_call(c, o, f) != 0 ||
		    wire_get_uint(c->dial.in.top, "size", &size, f) != 0 ||
		    wire_get_bin(c->dial.in.top, "part", &part, &n, f) != 0)
			goto bad;
		if (n == 0)
			break;
		if (fwrite(part, 1, n, in) != n) {
			fail_errno(f, NULL, "memory for the record");
			goto bad;
		}
		at += n;
	}
	rewind(in);
	return in;
bad:
	fclose(in);
	return NULL;
}

static void log_close(struct record *r)
{
	if (r->old)
		fclose(r->old);
	if (r->in)
		fclose(r->in);
	memset(r, 0, sizeof(*r));
}

/*
 * The older file first: lines that are written meanwhile are then missing at the end,
 * not in the middle.  The system broker's files are not readable for users: it sends
 * each user its own.
 */
static int log_open(struct client *c, struct record *r, struct failure *f)
{
	struct failure none = { 0 };

	memset(r, 0, sizeof(*r));
	*f = none;
	if (client_connect(c, false, NULL) == 0 && c->dial.system) {
		snprintf(r->path, PATH_SIZE, "the system broker's record");
		r->old = log_fetch_file(c, true, f);
		r->in = r->old ? log_fetch_file(c, false, f) : NULL;
	} else {
		r->old = log_open_file(RECORD_OLD, r->path, f);
		if (f->code == FAIL_NONE)
			r->in = log_open_file(RECORD, r->path, f);
	}
	if (f->code == FAIL_NONE)
		return 0;
	log_close(r);
	return -1;
}

/* Is the line's hash (n bytes, no newline) that of the line and the hash before it? */
static bool chain_fits(struct log_chain *c, const char *line, size_t n)
{
	char hex[HASH_HEX + 1];
	uint8_t hash[32];
	const char *tail = line + n - TAIL_LEN;

	if (n <= TAIL_LEN || memcmp(tail, TAIL_KEY, sizeof(TAIL_KEY) - 1) != 0 ||
	    memcmp(line + n - 2, "\"}", 2) != 0)
		return false;
	blake2b_256(hash, c->hash, HASH_HEX, line, (size_t)(tail - line));
	hex_encode(hex, hash, sizeof(hash));
	memcpy(c->hash, hex, sizeof(hex));
	return memcmp(tail + sizeof(TAIL_KEY) - 1, hex, HASH_HEX) == 0;
}

/*
 * The first line of all.  If older lines were rotated away, its hash cannot be verified
 * and starts the chain as it stands.
 */
static void chain_begin(struct log_chain *c, const char *line, size_t n, bool old)
{
	unsigned long long seq;

	c->first = sscanf(line, "{\"seq\":%llu,", &seq) == 1 ? seq : 0;
	if (old && c->first > 1 && n > TAIL_LEN) {
		memcpy(c->hash, line + n - HASH_HEX - 2, HASH_HEX);
	} else if (!chain_fits(c, line, n)) {
		c->bad = c->bad_at = 1;
		c->bad_old = old;
	}
}

/* Read a whole file once: count its lines and check each against the one before. */
static void chain_follow_file(FILE *in, bool old, struct log_chain *c)
{
	uint64_t at = 0;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while (in && (n = getline(&line, &room, in)) > 0) {
		if (line[n - 1] != '\n') {
			c->cut = true;
			break;
		}
		at++;
		if (++c->lines == 1) {
			chain_begin(c, line, (size_t)n - 1, old);
		} else if (c->bad == 0 && !chain_fits(c, line, (size_t)n - 1)) {
			c->bad = c->lines;
			c->bad_at = at;
			c->bad_old = old;
		}
	}
	free(line);
}

static void chain_follow(const struct record *r, struct log_chain *c)
{
	memset(c, 0, sizeof(*c));
	memset(c->hash, '0', HASH_HEX);
	chain_follow_file(r->old, true, c);
	chain_follow_file(r->in, false, c);
}

static void log_print_field(const char *before, const char *text)
{
	if (text[0]) {
		fputs(before, stdout);
		put_plain(text);
	}
}

static void log_print_line(const struct json_t *o)
{
	char when[24];

	/* From 2026-01-31T12:00:00.000Z: times in the log are UTC. */
	snprintf(when, sizeof(when), "%.19sZ", js_get(o, "time"));
	put_cell(when, 20);
	put_cell(js_get(o, "event"), 8);
	put_cell(js_get(o, "result"), 8);
	put_plain(js_get(o, "provider"));
	log_print_field(js_get(o, "provider")[0] ? " " : "", js_get(o, "entries"));
	log_print_field(js_get(o, "delivery")[0] ? " by " : "", js_get(o, "delivery"));
	log_print_field(" session ", js_get(o, "session"));
	log_print_field(" process ", js_get(o, "pid"));
	log_print_field(" ", js_get(o, "image"));
	log_print_field(": ", js_get(o, "why"));
	putchar('\n');
}

/* Print the lines after the first `skip`, or append them to the array `into`.  *count:
 * lines before this file, then after it. */
static void log_print_lines(FILE *in, uint64_t *count, uint64_t skip, struct json_t *into)
{
	uint64_t number = *count;
	char *line = NULL;
	struct json_t *o;
	size_t room = 0;
	ssize_t n;

	if (!in)
		return;
	rewind(in);
	while ((n = getline(&line, &room, in)) > 0 && line[n - 1] == '\n') {
		if (number++ < skip)
			continue;
		o = js_parse(line, (size_t)n - 1);
		if (!o) {
			say("line %llu of the record cannot be read", (unsigned long long)number);
		} else if (into) {
			js_append(into, o);
		} else {
			log_print_line(o);
			js_free(o);
		}
	}
	*count = number;
	free(line);
}

static int log_print_verdict(const struct log_chain *c, const char *path, bool json,
			     struct failure *f)
{
	struct json_t *o;

	if (json) {
		o = js_object();
		js_text(o, "record", path);
		js_number(o, "lines", c->lines);
		js_number(o, "first", c->first);
		js_bool(o, "intact", c->bad == 0);
		if (c->bad)
			js_number(o, "first_bad_line", c->bad);
		else
			js_null(o, "first_bad_line");
		js_text(o, "last_hash", c->bad ? NULL : c->hash);
		if (js_print(o, f) != 0)
			return -1;
	} else if (c->bad == 0) {
		printf("%llu lines, the chain holds; it ends in %s\n", (unsigned long long)c->lines,
		       c->hash);
		if (c->first > 1)
			printf("the %llu lines before them are gone: the record had grown too "
			       "long\n",
			       (unsigned long long)c->first - 1);
	}
	if (c->cut)
		say("the last line is incomplete: it is being written, or was cut by a crash");
	if (c->bad == 0)
		return EXIT_DONE;
	return fail_set(f, FAIL_DAMAGED, "somebody edited, removed or added lines there",
			"%s%s: line %llu does not follow from the one before it", path,
			c->bad_old ? " (" RECORD_OLD ")" : "", (unsigned long long)c->bad_at);
}

static int log_show(struct client *client, long count, bool verify, bool json, struct failure *f)
{
	struct log_chain c = { .hash = "" };
	uint64_t number = 0, skip;
	struct record record;
	struct json_t *a = NULL;
	int r = EXIT_DONE, tries = 2;

	/* A rotation between opening the two files looks like a broken chain: try again. */
	do {
		if (log_open(client, &record, f) != 0)
			return -1;
		chain_follow(&record, &c);
		tries--;
	} while (c.bad && tries > 0 && (log_close(&record), true));
	if (verify) {
		r = log_print_verdict(&c, record.path, json, f);
		goto out;
	}
	if (json)
		a = js_array();
	else if (c.lines == 0)
		say("nothing is on record yet");
	skip = c.lines > (uint64_t)count ? c.lines - (uint64_t)count : 0;
	log_print_lines(record.old, &number, skip, a);
	log_print_lines(record.in, &number, skip, a);
	if (json && js_print(a, f) != 0)
		r = -1;
out:
	log_close(&record);
	return r;
}

int verb_log(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, json = false, verify = false;
	long count = LINES_SHOWN;
	int opt;

	while ((opt = next_option(&first, argc, argv, ":n:", log_options, f)) != -1) {
		if (opt == '?' ||
		    (opt == 'n' && number_option(optarg, 0, 1L << 40, "-n", &count, f) != 0))
			return -1;
		json = json || opt == OPT_JSON;
		verify = verify || opt == OPT_VERIFY;
	}
	if (require_words(argc, argv, 0, f) != 0)
		return -1;
	return log_show(c, count, verify, json, f);
}
