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

#include "base/date.h"
#include "base/fail.h"
#include "base/proc.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/log_chain.h"
#include "client/verbs.h"
#include "json/output.h"
#include "spec/spec.h"
#include "wire/limit_text.h"

#define LINES_SHOWN 50
#define RECORD "record.jsonl"
#define RECORD_OLD "record.1.jsonl" /* the file before the last rotation */

struct record {
	FILE *old, *in; /* RECORD_OLD, RECORD; NULL: no such file */
	struct log_checkpoint checkpoint;
	char path[PATH_SIZE];
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

/*
 * What the broker last noted of the log's end.  Asked before the log is read, which only
 * grows.  Nothing, where no broker knows: none runs, or the vault was not opened yet.
 */
static void log_fetch_checkpoint(struct client *c, struct log_checkpoint *out)
{
	struct wire_out *o = wire_request("record");
	char hash[HASH_HEX + 1];
	uint64_t seq, at;

	wire_put_uint(o, "at", INT64_MAX);
	if (client_call(c, o, NULL) != 0 ||
	    wire_get_uint(c->dial.in.top, "checkpoint_seq", &seq, NULL) != 0 ||
	    wire_get_uint(c->dial.in.top, "checkpoint_at", &at, NULL) != 0 ||
	    wire_get_text(c->dial.in.top, "checkpoint_hash", hash, sizeof(hash), NULL) != 0)
		return;
	out->seq = seq;
	out->at = at;
	memcpy(out->hash, hash, sizeof(hash));
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
	struct failure none = { 0 }, why = { 0 };
	bool connected;

	memset(r, 0, sizeof(*r));
	*f = none;
	connected = client_connect(c, false, &why) == 0;
	/* The user's own files are not that record: whoever runs as the user writes them. */
	if (!connected && c->dial.system) {
		*f = why;
		return -1;
	}
	/* From inside a session that would be a refusal on the record. */
	if (connected && !proc_self_marked())
		log_fetch_checkpoint(c, &r->checkpoint);
	if (connected && c->dial.system) {
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

static void log_print_field(const char *before, const char *text)
{
	if (text[0]) {
		fputs(before, stdout);
		put_plain(text);
	}
}

/* A number of the line, as people read it, if it is not 0. */
static void log_print_amount(const struct json_t *o, const char *key, enum limit_kind kind,
			     const char *after)
{
	char text[LIMIT_AMOUNT];
	uint64_t n;

	if (!js_get_number(o, key, &n) || n == 0)
		return;
	limit_format_amount(kind, n, text);
	printf(", %s%s", text, after);
}

/* What a session's relays did. */
static void log_print_sums(const struct json_t *o)
{
	uint64_t requests, unpriced = 0;

	if (!js_get_number(o, "requests", &requests))
		return;
	printf(": %llu request%s", (unsigned long long)requests, requests == 1 ? "" : "s");
	log_print_amount(o, "failed", LIMIT_REQUESTS, " of them failed");
	log_print_amount(o, "refused", LIMIT_REQUESTS, " refused");
	log_print_amount(o, "input", LIMIT_TOKENS, " tokens in");
	log_print_amount(o, "cache_write", LIMIT_TOKENS, " to the cache");
	log_print_amount(o, "cache_read", LIMIT_TOKENS, " from it");
	log_print_amount(o, "output", LIMIT_TOKENS, " out");
	js_get_number(o, "unpriced", &unpriced);
	log_print_amount(o, "cost_micros", LIMIT_MONEY, unpriced ? " and more" : "");
	log_print_amount(o, "restarts", LIMIT_REQUESTS, " relays crashed");
}

/* Lines of an older version have it as a text. */
static uint64_t log_pid(const struct json_t *o)
{
	uint64_t pid;

	return js_get_number(o, "pid", &pid) ? pid : strtoull(js_get(o, "pid"), NULL, 10);
}

static void log_print_line(const struct json_t *o)
{
	uint64_t pid = log_pid(o);
	const char *when = js_get(o, "time");
	char local[DATE_TEXT];
	int64_t at;

	/* The file's times are UTC. */
	put_cell(date_parse(when, &at) == 0 && at > 0 ? date_local_second((uint64_t)at, local)
						      : when,
		 19);
	put_cell(js_get(o, "event"), 8);
	put_cell(js_get(o, "result"), 8);
	put_plain(js_get(o, "provider"));
	log_print_field(js_get(o, "provider")[0] ? " " : "", js_get(o, "entries"));
	log_print_field(js_get(o, "delivery")[0] ? " by " : "", js_get(o, "delivery"));
	log_print_field(" session ", js_get(o, "session"));
	if (pid)
		printf(" process %llu", (unsigned long long)pid);
	log_print_field(" ", js_get(o, "image"));
	log_print_field(": ", js_get(o, "why"));
	log_print_sums(o);
	putchar('\n');
}

/* One object of the array a line. */
static int log_print_object(struct json_t *o, bool first, struct failure *f)
{
	uint64_t pid = log_pid(o);

	if (pid)
		js_number(o, "pid", pid);
	fputs(first ? "" : ",\n", stdout);
	return js_print_bare(o, f);
}

/* Which lines are printed, and how. */
struct log_output {
	uint64_t number; /* of the lines before this one, in both files */
	uint64_t skip;	 /* so many are not printed */
	uint64_t printed;
	bool json;
};

static int log_print_lines(FILE *in, struct log_output *out, struct failure *f)
{
	char *line = NULL;
	struct json_t *o;
	size_t room = 0;
	ssize_t n;
	int r = 0;

	if (!in)
		return 0;
	rewind(in);
	while (r == 0 && (n = getline(&line, &room, in)) > 0 && line[n - 1] == '\n') {
		if (out->number++ < out->skip)
			continue;
		o = js_parse(line, (size_t)n - 1);
		if (!o)
			say("line %llu of the record cannot be read",
			    (unsigned long long)out->number);
		else if (out->json)
			r = log_print_object(o, out->printed++ == 0, f);
		else
			log_print_line(o);
		js_free(o);
	}
	free(line);
	return r;
}

static int log_print_all(const struct record *r, struct log_output *out, struct failure *f)
{
	if (out->json)
		fputs("[\n", stdout);
	if (log_print_lines(r->old, out, f) != 0 || log_print_lines(r->in, out, f) != 0)
		return -1;
	if (out->json && puts(out->printed ? "\n]" : "]") == EOF)
		return fail_errno(f, NULL, "cannot write the output");
	return 0;
}

static void log_print_verdict_json(const struct log_chain *c, const char *path, struct json_t *o)
{
	bool known = c->checkpoint.seq != 0;

	js_text(o, "record", path);
	js_number(o, "lines", c->lines);
	js_number(o, "first", c->first);
	js_bool(o, "intact", c->bad == 0 && !c->replaced && log_chain_missing(c) == 0);
	if (c->bad)
		js_number(o, "first_bad_line", c->bad);
	else
		js_null(o, "first_bad_line");
	js_text(o, "last_hash", c->bad ? NULL : c->hash);
	if (known)
		js_number(o, "checkpoint", c->checkpoint.seq);
	else
		js_null(o, "checkpoint");
	js_time(o, "checkpoint_at", c->checkpoint.at);
	if (known && !c->replaced)
		js_number(o, "missing", log_chain_missing(c));
	else
		js_null(o, "missing");
	js_number(o, "losses", c->losses);
}

static void log_print_verdict_text(const struct log_chain *c)
{
	char time[DATE_TEXT];

	printf("%llu lines, the chain holds; it ends in %s\n", (unsigned long long)c->lines,
	       c->hash);
	if (c->first > 1)
		printf("the %llu lines before them are gone: the record had grown too long\n",
		       (unsigned long long)c->first - 1);
	if (c->checkpoint.seq == 0)
		printf("whether its end was cut off cannot be told while the vault is locked: "
		       "ccctl unlock\n");
	else if (!c->replaced && log_chain_missing(c) == 0)
		printf("line %llu is the one that the broker noted, %s\n",
		       (unsigned long long)c->checkpoint.seq, date_local(c->checkpoint.at, time));
}

static int log_print_verdict(const struct log_chain *c, const char *path, bool json,
			     struct failure *f)
{
	static const char hint[] = "somebody edited, removed or added lines there";
	struct failure losses = { 0 };
	struct json_t *o;

	if (json) {
		o = js_object();
		log_print_verdict_json(c, path, o);
		if (js_print(o, f) != 0)
			return -1;
	} else if (c->bad == 0) {
		log_print_verdict_text(c);
	}
	if (c->cut)
		say("the last line is incomplete: it is being written, or was cut by a crash");
	if (c->losses) {
		fail_set(&losses, FAIL_DAMAGED, NULL,
			 "the record says %llu times that lines were lost, or may be (log-cut)",
			 (unsigned long long)c->losses);
		fail_hint(&losses, "ccctl log -n %llu shows when", (unsigned long long)c->lines);
		fail_print("ccctl", &losses);
	}
	if (c->bad)
		return fail_set(f, FAIL_DAMAGED, hint,
				"%s%s: line %llu does not follow from the one before it", path,
				c->bad_old ? " (" RECORD_OLD ")" : "",
				(unsigned long long)c->bad_at);
	if (c->replaced)
		return fail_set(f, FAIL_DAMAGED, "somebody put another log there",
				"%s: line %llu is not the one that the broker noted", path,
				(unsigned long long)c->checkpoint.seq);
	if (log_chain_missing(c))
		return fail_set(f, FAIL_DAMAGED, hint, "%s: the last %llu lines are missing", path,
				(unsigned long long)log_chain_missing(c));
	return EXIT_DONE;
}

static int log_show(struct client *client, long count, bool verify, bool json, struct failure *f)
{
	struct log_output out = { .json = json };
	struct log_chain c = { .hash = "" };
	int r = EXIT_DONE, tries = 2;
	struct record record;

	/* A rotation between opening the two files looks like a broken chain: try again. */
	do {
		if (log_open(client, &record, f) != 0)
			return -1;
		c.checkpoint = record.checkpoint;
		log_chain_follow(&c, record.old, record.in);
		tries--;
	} while (c.bad && tries > 0 && (log_close(&record), true));
	if (verify) {
		r = log_print_verdict(&c, record.path, json, f);
		goto out;
	}
	if (!json && c.lines == 0)
		say("nothing is on record yet");
	out.skip = c.lines > (uint64_t)count ? c.lines - (uint64_t)count : 0;
	if (log_print_all(&record, &out, f) != 0)
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

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' || (opt == OPTION_LINES &&
				   number_option(optarg, 0, 1L << 40, "-n", &count, f) != 0))
			return -1;
		json = json || opt == OPTION_JSON;
		verify = verify || opt == OPTION_VERIFY;
	}
	if (require_words(argc, argv, 0, f) != 0)
		return -1;
	return log_show(c, count, verify, json, f);
}
