/*
 * helpers/usage/worker.c - ask the broker what to fetch, fetch it, send the result.
 */
#include "helpers/usage/worker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "helpers/usage/fetch_child.h"
#include "helpers/usage/usage_kind.h"
#include "helpers/usage/usage_result.h"
#include "wire/limits.h"
#include "wire/names.h"
#include "wire/usage_place.h"

/* Seconds to wait after an error: 30, 60, 120, ... */
#define PAUSE_FIRST 30
#define PAUSE_LONGEST 300
#define PAUSE_NOT_ASKED 60 /* no server was asked: the log-in is missing or has expired */
#define PAUSE_ORIGIN 3600  /* the entry's address is not asked: only a person can change that */

#define LATER_MAX 3600 /* seconds; the broker says 60 */

/*
 * What to do next.  NEXT_LATER: the broker has enough workers for this quota.
 * Disconnect, so as not to use up one of its connections, and come again.
 */
enum next { NEXT_CONTINUE, NEXT_LATER, NEXT_SESSION_ENDED, NEXT_BROKER_GONE, NEXT_FAILED };

/* True if the session ends within ms. */
static bool session_ended(int ms)
{
	struct pollfd p = { .fd = SESSION_FD, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

/* ---- usage-next ---- */

static struct wire_out *build_usage_next(const struct worker *w)
{
	struct wire_out *request = wire_request("usage-next");

	wire_put_str(request, "kind", w->kind->name);
	if (w->entry)
		wire_put_str(request, "name", w->entry);
	else
		wire_put_bool(request, "own", true);
	if (w->name)
		wire_put_str(request, "name", w->name);
	return request;
}

/* The broker disconnects clients that are late, which happens when the computer slept. */
static enum next next_after_failure(const struct failure *f)
{
	return f->code == FAIL_NO_BROKER || f->code == FAIL_TIMEOUT ? NEXT_BROKER_GONE
								    : NEXT_FAILED;
}

/* The broker answers when a status line wants the quota. */
static enum next wait_for_next_answer(struct worker *w, struct failure *f)
{
	struct dial *d = &w->dial;
	bool fetch = true;
	int r = dial_call_watching(d, build_usage_next(w), SESSION_FD, f);

	if (r > 0)
		return NEXT_SESSION_ENDED;
	if (r < 0 || wire_get_bool(d->in.top, "fetch", &fetch, f) != 0)
		return next_after_failure(f);
	if (fetch)
		return NEXT_CONTINUE;
	if (wire_get_uint(d->in.top, "retry", &w->later, f) != 0)
		return NEXT_FAILED;
	w->later = w->later < 1 ? 1 : w->later > LATER_MAX ? LATER_MAX : w->later;
	return NEXT_LATER;
}

/* ---- the fetch ---- */

static void wipe_answer(struct worker *w)
{
	wire_in_free(&w->dial.in);
	io_wipe(w->dial.buf, w->dial.used);
	w->dial.used = 0;
}

enum job_state { JOB_READY, JOB_DONE, JOB_FORBIDDEN_ORIGIN, JOB_FAILED };

/* A relay asked in our place: its answer to job, or an error to out. */
static enum job_state prepare_fetched(struct wire_map top, struct fetch_job *job,
				      struct usage_result *out, struct failure *f)
{
	uint64_t status, retry;
	char error[32];

	if (wire_has(top, "error")) {
		if (wire_get_text(top, "error", error, sizeof(error), f) != 0)
			return JOB_FAILED;
		out->error = usage_error_find(error);
		return JOB_DONE;
	}
	if (wire_get_uint(top, "status", &status, f) != 0 ||
	    wire_get_uint(top, "retry", &retry, f) != 0 ||
	    wire_get_bin(top, "body", &job->body, &job->body_n, f) != 0)
		return JOB_FAILED;
	job->by_relay = true;
	out->error = usage_error_of_status(status < 1000 ? (long)status : 0);
	out->retry = retry < RETRY_MAX ? (uint32_t)retry : RETRY_MAX;
	return out->error == USAGE_DONE ? JOB_READY : JOB_DONE;
}

/*
 * Fill job from the broker's answer.  JOB_DONE: out has what came of it already.
 * JOB_FORBIDDEN_ORIGIN: the entry is sealed for a host that this kind does not ask.
 */
static enum job_state prepare_job(struct worker *w, struct fetch_job *job, struct usage_result *out,
				  struct failure *f)
{
	struct wire_map top = w->dial.in.top;
	char origin[ORIGIN_MAX_LEN + 1];
	const uint8_t *token;

	memset(job, 0, sizeof(*job));
	memset(out, 0, sizeof(*out));
	job->kind = w->kind;
	job->session = SESSION_FD;
	job->broker = w->dial.fd;
	if (!w->entry)
		return usage_place_target(w->kind->place, NULL, &job->target, f) == 0 ? JOB_READY
										      : JOB_FAILED;
	if (wire_get_text(top, "origin", origin, sizeof(origin), f) != 0)
		return JOB_FAILED;
	if (usage_place_target(w->kind->place, origin, &job->target, f) != 0)
		return JOB_FORBIDDEN_ORIGIN;
	if (!wire_has(top, "token"))
		return prepare_fetched(top, job, out, f);
	if (wire_get_bin(top, "token", &token, &job->len, f) != 0 ||
	    wire_token_check(token, job->len, f) != 0)
		return JOB_FAILED;
	job->token = (uint8_t *)(uintptr_t)token; /* in w->buf, which is ours */
	return JOB_READY;
}

static enum next fetch_result(struct worker *w, struct usage_result *out, uint64_t *pause,
			      struct failure *f)
{
	struct fetch_job job;
	enum job_state state = prepare_job(w, &job, out, f);
	enum next next = NEXT_CONTINUE;

	*pause = 0;
	if (state == JOB_FORBIDDEN_ORIGIN) {
		/* The status line shows only the error's name: print the reason. */
		fail_print("ccrun-usage", f);
		out->error = USAGE_MISSING;
		*pause = PAUSE_ORIGIN;
	} else if (state == JOB_FAILED) {
		next = NEXT_FAILED;
	} else if (state == JOB_READY && !fetch_in_child(&job, out)) {
		next = NEXT_SESSION_ENDED;
	}
	wipe_answer(w);
	return next;
}

/* ---- usage-put ---- */

/* How long to wait after an error, in seconds. */
static uint64_t pause_after_error(struct worker *w, const struct usage_result *n)
{
	uint64_t pause = PAUSE_FIRST;
	unsigned i;

	for (i = 0; i < w->failures && pause < PAUSE_LONGEST; i++)
		pause *= 2;
	w->failures++;
	if (w->kind->place->own && !n->asked)
		return PAUSE_NOT_ASKED;
	if (n->error == USAGE_UNAUTHORIZED)
		pause = PAUSE_LONGEST;
	/* As long as the server asks for, but not less than PAUSE_FIRST. */
	else if (n->retry)
		pause = n->retry > PAUSE_FIRST ? n->retry : PAUSE_FIRST;
	else if (pause > PAUSE_LONGEST)
		pause = PAUSE_LONGEST;
	return pause < w->kind->least ? w->kind->least : pause;
}

static void add_item(struct wire_out *o, const struct usage_item *n)
{
	wire_begin_item(o);
	wire_put_str(o, "label", n->label);
	if (n->has_percent)
		wire_put_uint(o, "percent", n->percent);
	if (n->amount[0])
		wire_put_str(o, "amount", n->amount);
	if (n->currency[0])
		wire_put_str(o, "currency", n->currency);
	if (n->reset)
		wire_put_uint(o, "reset", n->reset);
}

static struct wire_out *build_usage_put(struct worker *w, const struct usage_result *n,
					uint64_t pause)
{
	const char *word = usage_error_name(n->error);
	struct wire_out *o = wire_request("usage-put");
	uint32_t i;

	if (!o)
		return NULL;
	if (word) {
		wire_put_str(o, "error", word);
		wire_put_uint(o, "retry", pause ? pause : pause_after_error(w, n));
		return o;
	}
	w->failures = 0;
	wire_begin_array(o, "items");
	for (i = 0; i < n->count; i++)
		add_item(o, &n->item[i]);
	return o;
}

static enum next run_one_fetch(struct worker *w, struct failure *f)
{
	struct usage_result n;
	enum next next = wait_for_next_answer(w, f);
	uint64_t pause;

	if (next == NEXT_CONTINUE)
		next = fetch_result(w, &n, &pause, f);
	if (next != NEXT_CONTINUE)
		return next;
	if (dial_call(&w->dial, build_usage_put(w, &n, pause), NULL, f) == 0)
		return NEXT_CONTINUE;
	return next_after_failure(f);
}

/* Work over one connection, and close it. */
static enum next serve_connected(struct worker *w, struct failure *f)
{
	enum next next = NEXT_CONTINUE;

	while (next == NEXT_CONTINUE)
		next = session_ended(0) ? NEXT_SESSION_ENDED : run_one_fetch(w, f);
	dial_close(&w->dial);
	return next;
}

static int connect_to_broker(struct worker *w, struct failure *f)
{
	if (dial_open(&w->dial, false, w->buf, WIRE_PACKET_MAX, f) == 0 &&
	    dial_hello(&w->dial, f) == 0)
		return 0;
	dial_close(&w->dial);
	return -1;
}

int worker_run(struct worker *w, struct failure *f)
{
	enum next next = NEXT_CONTINUE;
	int r;

	if (connect_to_broker(w, f) != 0)
		return -1;
	for (;;) {
		next = serve_connected(w, f);
		if (next == NEXT_LATER && session_ended((int)w->later * 1000))
			return 0;
		if (next != NEXT_BROKER_GONE && next != NEXT_LATER)
			return next == NEXT_SESSION_ENDED ? 0 : -1;
		r = dial_reopen(&w->dial, SESSION_FD, f);
		/* Another process listens in the broker's place: that is a failure. */
		if (r != 0)
			return r < 0 && f->code == FAIL_PEER ? -1 : 0;
	}
}
