/*
 * helpers/source/main.c - ccrun-source: fetch a token that stays in another
 * manager.  ccrun and ccctl run it, on the user's terminal where there is one.
 *
 *   ccrun-source fetch [--terminal] NAME ...   for the broker: it says what is
 *                                              sealed, and gets the token
 *   ccrun-source try [--terminal]              what comes on descriptor 3, and
 *                                              the token goes back there
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/locked.h"
#include "config/source/source_seal.h"
#include "dial/dial.h"
#include "helpers/channel.h"
#include "helpers/source/source.h"
#include "json/locked.h"

#define ALONE_MAX 30 /* seconds, where nobody is there to be asked */
#define ROUND_MS 100 /* between looks at what another one fetches */
#define SHOWN 96     /* bytes of a reference in a message */

static struct manager_result outcome;

/* Put the reference before what went wrong. */
static int about(const struct entry_source *src, struct failure *f)
{
	char what[sizeof(f->what)];

	if (f->code != FAIL_SOURCE && f->code != FAIL_ORIGIN)
		return -1;
	memcpy(what, f->what, sizeof(what));
	snprintf(f->what, sizeof(f->what), "%.*s: %.*s", SHOWN, src->ref, (int)sizeof(what) - SHOWN - 8, what);
	return -1;
}

/* Does its standard error tell apart what happened?  Else it has the terminal's. */
static bool has_texts(const struct source_file *s)
{
	unsigned i;

	for (i = 0; i < SIGNS; i++)
		if (s->sign[i].text[0])
			return true;
	return false;
}

/* Run what is sealed, if its file says the same; the token is in the outcome. */
static int get(const struct entry_source *src, bool terminal, const char *name, const uint8_t **p,
	       size_t *n, struct failure *f)
{
	struct source_file s;
	struct command_words w;
	unsigned seconds;
	int r;

	if (source_load(src->ref, &s, f) != 0)
		return -1;
	if (source_check(&s, src, f) != 0) {
		if (f->code == FAIL_ORIGIN)
			fail_hint(f, "if you changed it: ccctl approve %s", name);
		return -1;
	}
	if (command_split(src->command, &w, f) != 0)
		return -1;
	seconds = !terminal && s.timeout > ALONE_MAX ? ALONE_MAX : s.timeout;
	outcome.n = 0;
	outcome.said[0] = '\0';
	outcome.room = strncmp(src->pick, "line", 4) == 0 ? TOKEN_MAX + 1 : OUTPUT_MAX;
	r = manager_run(&w, terminal, has_texts(&s), seconds, &outcome, f);
	if (r == 0)
		r = result_check(&outcome, &s, w.v[0], seconds, f);
	if (r == 0)
		r = result_token(&outcome, &s, src->pick, p, n, f);
	command_free(&w);
	return r;
}

static void wipe(void)
{
	if (outcome.out)
		io_wipe(outcome.out, OUTPUT_MAX + 1);
	js_locked_end();
}

static int take_request(struct dial *d, const char *name, struct failure *f)
{
	struct wire_out *o = wire_request("source-take");

	wire_str(o, "name", name);
	return dial_call(d, o, NULL, f);
}

/* Until it is ours to fetch (1), or there (0).  -1: neither. */
static int take(struct dial *d, const char *name, struct entry_source *src, struct failure *f)
{
	int64_t deadline = io_now_ms() + 2 * SOURCE_DEADLINE_MS;
	bool cached, wait;

	do {
		if (take_request(d, name, f) != 0 || wire_get_bool(d->in.top, "cached", &cached, f) != 0 ||
		    wire_get_bool(d->in.top, "wait", &wait, f) != 0)
			return -1;
		if (cached)
			return 0;
		if (!wait)
			return wire_get_source(d->in.top, src, NULL, f) == 0 ? 1 : -1;
		if (manager_stopped(ROUND_MS))
			return fail_set(f, FAIL_SOURCE, NULL, "'%s' is being fetched elsewhere: cancelled", name);
	} while (io_now_ms() < deadline);
	return fail_set(f, FAIL_TIMEOUT, "does another launch wait for somebody?",
			"'%s' is being fetched elsewhere, without an end", name);
}

static int put(struct dial *d, const char *name, const uint8_t *p, size_t n, struct failure *f)
{
	struct wire_out *o = wire_request("source-put");

	wire_str(o, "name", name);
	wire_secret(o, "token", p, n);
	return dial_call(d, o, NULL, f);
}

static int fetch_one(const char *name, bool terminal, struct failure *f)
{
	static uint8_t reply[WIRE_PACKET_MAX]; /* no secret comes this way */
	struct dial d = { .fd = -1 };
	struct entry_source src;
	const uint8_t *p;
	size_t n;
	int r;

	if (dial_open(&d, true, reply, sizeof(reply), f) != 0)
		return -1;
	r = dial_hello(&d, f) == 0 ? take(&d, name, &src, f) : -1;
	if (r == 1) {
		r = get(&src, terminal, name, &p, &n, f);
		if (r == 0)
			r = put(&d, name, p, n, f);
		if (r != 0)
			about(&src, f);
		wipe();
	}
	dial_close(&d);
	return r;
}

static int fetch(char *const names[], bool terminal, struct failure *f)
{
	for (; *names; names++)
		if (!wire_name_ok(*names))
			return fail_set(f, FAIL_USAGE, NULL, "NAME is a name");
		else if (fetch_one(*names, terminal, f) != 0)
			return -1;
	return channel_reply(NULL, 0, f);
}

/* Three texts, each with its NUL, are the packet. */
static int read_source(const char *p, size_t n, struct entry_source *src, struct failure *f)
{
	char *to[] = { src->ref, src->command, src->pick };
	const size_t room[] = { sizeof(src->ref), sizeof(src->command), sizeof(src->pick) };
	unsigned i;
	size_t len;

	for (i = 0; i < 3; i++) {
		len = strnlen(p, n) + 1;
		if (len > n || len > room[i])
			return fail_set(f, FAIL_BAD_VALUE, NULL, "what was sent is not a source");
		memcpy(to[i], p, len);
		p += len;
		n -= len;
	}
	return 0;
}

static int try_it(bool terminal, struct failure *f)
{
	struct entry_source src;
	const uint8_t *p;
	size_t len;
	ssize_t n = channel_receive(f);
	int r;

	if (n < 0 || read_source((const char *)channel_buffer(), (size_t)n, &src, f) != 0)
		return -1;
	r = get(&src, terminal, "NAME", &p, &len, f);
	if (r != 0)
		about(&src, f);
	else
		r = channel_reply(p, len, f);
	wipe();
	return r;
}

static int run(int argc, char **argv, struct failure *f)
{
	bool terminal = argc > 2 && strcmp(argv[2], "--terminal") == 0;
	int names = 2 + terminal;

	if (manager_signals(f) != 0)
		return -1;
	outcome.out = locked_map(OUTPUT_MAX + 1, f);
	if (!outcome.out)
		return -1;
	if (argc > names && strcmp(argv[1], "fetch") == 0)
		return fetch(argv + names, terminal, f);
	if (argc == names && strcmp(argv[1], "try") == 0)
		return try_it(terminal, f);
	return fail_set(f, FAIL_USAGE, "ccrun and ccctl run it",
			"usage: ccrun-source fetch [--terminal] NAME ... | try [--terminal]");
}

int main(int argc, char **argv)
{
	struct failure f = { 0 };
	int code = EXIT_DONE;

	if (channel_open(&f) != 0 || run(argc, argv, &f) != 0)
		code = channel_reply_failure(&f);
	channel_close();
	return code;
}
