/*
 * helpers/source/main.c - ccrun-source: fetches a token that is kept in a secret
 * manager (op, pass, gpg ...).  ccrun and ccctl run it, on the user's terminal if
 * there is one; descriptor 3 is the channel (helpers/channel.h).
 *
 *   ccrun-source fetch [--terminal] NAME ...   asks the broker for each entry's sealed
 *                                              source, and gives it the token
 *   ccrun-source keep NAME ...                 as long as a session lasts, whose pidfd is
 *                                              descriptor 3: fetch, each time that the
 *                                              broker wants one of these
 *   ccrun-source try [--terminal]              the packet is the source; replies with
 *                                              the token
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
#include "helpers/helper_cage.h"
#include "helpers/source/keep.h"
#include "helpers/source/password_manager.h"
#include "helpers/source/result.h"
#include "json/locked.h"
#include "wire/names.h"

#define UNATTENDED_MAX 30  /* seconds without a terminal, where nobody can be asked */
#define TELL_MS 3000	   /* until a person is told of that */
#define POLL_MS 100	   /* between requests, while another process fetches the same entry */
#define REFERENCE_SHOWN 96 /* bytes of a reference that a message shows */

static struct manager_result result;

/* Put the reference at the front of the failure's message. */
static void fail_prepend_reference(const struct entry_source *src, struct failure *f)
{
	char what[sizeof(f->what)];

	if (f->code != FAIL_SOURCE && f->code != FAIL_ORIGIN)
		return;
	memcpy(what, f->what, sizeof(what));
	snprintf(f->what, sizeof(f->what), "%.*s: %.*s", REFERENCE_SHOWN, src->ref,
		 (int)sizeof(what) - REFERENCE_SHOWN - 8, what);
}

/* Does the source file match texts in standard error?  Only then must it be captured. */
static bool source_file_has_texts(const struct source_file *s)
{
	unsigned i;

	for (i = 0; i < SIGNS; i++)
		if (s->sign[i].text[0])
			return true;
	return false;
}

/*
 * The manager inherits nothing of this, so all of it can be closed to what reads its output
 * and has the token: no file of the user's and none to write, no network, no program.
 */
static int cage_self(struct failure *f)
{
	static const struct helper_cage cage = { .broker = true, .child = true };

	return helper_cage_enter(&cage, f);
}

/*
 * Run the entry's sealed command, if it still is what the source file says.  name: the
 * entry, for a hint.  last: no other manager is run after it.  The token is in result or jansson's memory; call wipe_result() when
 * done, also after -1.
 */
static int fetch_token(const struct entry_source *src, bool terminal, const char *name, bool last,
		       struct fetched *out, struct failure *f)
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
	seconds = !terminal && s.timeout > UNATTENDED_MAX ? UNATTENDED_MAX : s.timeout;
	result.n = 0;
	result.err[0] = '\0';
	result.title = s.title;
	result.waits = s.waits;
	result.room = strncmp(src->pick, "line", 4) == 0 ? TOKEN_MAX + 1 : MANAGER_OUTPUT_MAX;
	r = manager_run(&w, terminal, source_file_has_texts(&s), seconds, last ? cage_self : NULL,
			&result, f);
	if (r == 0)
		r = result_check(&result, &s, w.v[0], seconds, f);
	if (r == 0)
		r = result_token(&result, &s, src->pick, out, f);
	command_free(&w);
	return r;
}

static void wipe_result(void)
{
	if (result.out)
		io_wipe(result.out, MANAGER_OUTPUT_MAX + 1);
	js_locked_end();
}

static int request_source(struct dial *d, const char *name, struct failure *f)
{
	struct wire_out *o = wire_request("source-take");

	wire_put_str(o, "name", name);
	return dial_call(d, o, NULL, f);
}

enum reservation {
	RESERVED,		/* this process must fetch it */
	RESERVATION_NOT_NEEDED, /* the broker has the token */
	RESERVATION_FAILED
};

/* Ask the broker for the entry's source, until no other process is fetching it. */
static enum reservation reserve_source(struct dial *d, const char *name, struct entry_source *src,
				       struct failure *f)
{
	int64_t start = clock_now_ms(), deadline = start + 2 * SOURCE_DEADLINE_MS;
	bool cached, wait, told = false;

	do {
		if (request_source(d, name, f) != 0 ||
		    wire_get_bool(d->in.top, "cached", &cached, f) != 0 ||
		    wire_get_bool(d->in.top, "wait", &wait, f) != 0)
			return RESERVATION_FAILED;
		if (cached)
			return RESERVATION_NOT_NEEDED;
		if (!wait)
			return wire_get_source(d->in.top, src, NULL, f) == 0 ? RESERVED
									     : RESERVATION_FAILED;
		if (!told && clock_now_ms() > start + TELL_MS) {
			fprintf(stderr, "ccrun: waiting for another launch, which fetches '%s'\n",
				name);
			told = true;
		}
		if (manager_interrupted(POLL_MS)) {
			fail_set(f, FAIL_SOURCE, NULL, "'%s' is being fetched elsewhere: cancelled",
				 name);
			return RESERVATION_FAILED;
		}
	} while (clock_now_ms() < deadline);
	fail_set(f, FAIL_TIMEOUT, "does another launch wait for somebody?",
		 "'%s' is being fetched elsewhere, without an end", name);
	return RESERVATION_FAILED;
}

static int store_token(struct dial *d, const char *name, const struct fetched *t, struct failure *f)
{
	struct wire_out *o = wire_request("source-put");

	wire_put_str(o, "name", name);
	if (t->expires != UINT64_MAX)
		wire_put_uint(o, "expires", t->expires);
	wire_put_secret(o, "token", t->p, t->n);
	return dial_call(d, o, NULL, f);
}

static int fetch_one(const char *name, bool terminal, bool last, struct failure *f)
{
	static uint8_t reply[WIRE_PACKET_MAX]; /* the broker's answers; none holds a secret */
	struct dial d = { .fd = -1 };
	struct entry_source src;
	struct fetched token;
	enum reservation got;
	int r;

	if (dial_open(&d, true, reply, sizeof(reply), f) != 0)
		return -1;
	got = dial_hello(&d, f) == 0 ? reserve_source(&d, name, &src, f) : RESERVATION_FAILED;
	r = got == RESERVATION_FAILED ? -1 : 0;
	if (got == RESERVED) {
		r = fetch_token(&src, terminal, name, last, &token, f);
		if (r == 0)
			r = store_token(&d, name, &token, f);
		if (r != 0)
			fail_prepend_reference(&src, f);
		wipe_result();
	}
	dial_close(&d);
	return r;
}

static int run_fetch(char *const names[], bool terminal, struct failure *f)
{
	for (; *names; names++)
		if (!wire_name_ok(*names))
			return fail_set(f, FAIL_USAGE, NULL, "NAME is a name");
		else if (fetch_one(*names, terminal, !names[1], f) != 0)
			return -1;
	return channel_reply(NULL, 0, f);
}

/* The packet is three NUL-terminated texts. */
static int parse_source_packet(const char *p, size_t n, struct entry_source *src, struct failure *f)
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

static int run_try(bool terminal, struct failure *f)
{
	struct entry_source src;
	struct fetched token;
	ssize_t n = channel_receive(f);
	int r;

	if (n < 0 || parse_source_packet((const char *)channel_buffer(), (size_t)n, &src, f) != 0)
		return -1;
	r = fetch_token(&src, terminal, "NAME", true, &token, f);
	if (r != 0)
		fail_prepend_reference(&src, f);
	else
		r = channel_reply(token.p, token.n, f);
	wipe_result();
	return r;
}

static int run_operation(int argc, char **argv, struct failure *f)
{
	bool terminal = argc > 2 && strcmp(argv[2], "--terminal") == 0;
	int names = 2 + terminal;

	if (manager_block_signals(f) != 0)
		return -1;
	result.out = locked_map(MANAGER_OUTPUT_MAX + 1, f);
	if (!result.out)
		return -1;
	if (argc > names && strcmp(argv[1], "fetch") == 0)
		return run_fetch(argv + names, terminal, f);
	if (argc == names && strcmp(argv[1], "try") == 0)
		return run_try(terminal, f);
	return fail_set(f, FAIL_USAGE, "ccrun and ccctl run it",
			"usage: ccrun-source fetch [--terminal] NAME ... | try [--terminal]");
}

int main(int argc, char **argv)
{
	struct failure f = { 0 };
	int code = EXIT_DONE;

	if (argc > 1 && strcmp(argv[1], "keep") == 0) {
		if (keep_run(argv + 2, &f) == 0)
			return EXIT_DONE;
		fail_print("ccrun-source", &f);
		return f.code == FAIL_USAGE ? EXIT_USAGE : EXIT_FAILED;
	}
	if (channel_open(&f) != 0 || run_operation(argc, argv, &f) != 0)
		code = channel_reply_failure(&f);
	channel_close();
	return code;
}
