/*
 * client/trial_words.c - how a trial ended, for a person: one line, and what mends it.
 */
#include "client/trial_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/fail.h"
#include "client/common/entries.h"
#include "client/common/output.h"
#include "client/trial_report.h"
#include "config/ini/nearest.h"
#include "config/provider/provider.h"

#define NEAR_MAX 3

/* What the sentences are made of. */
struct telling {
	const struct trial_report *r;
	const struct provider *p;
	const char *word; /* NAME[:MODE] */
	const char *host;
	char said[TRIAL_TEXT_MAX + 32]; /* " (HTTP 403): words of the provider" */
	struct failure *f;
};

void trial_line(const struct trial_report *r, const char *word, char out[TRIAL_LINE_MAX])
{
	char tokens[80] = "";

	if (r->counted)
		snprintf(tokens, sizeof(tokens), " (tokens: %" PRIu64 " in, %" PRIu64 " out)",
			 r->input, r->output);
	snprintf(out, TRIAL_LINE_MAX,
		 "%s works%s: %.250s answered after %" PRIu64 ".%" PRIu64 " s%s", word,
		 r->outcome == TRIAL_SLOW ? ", but slowly" : "", r->model[0] ? r->model : "it",
		 r->first_ms / 1000, r->first_ms % 1000 / 100, tokens);
}

static void telling_set_said(struct telling *t)
{
	const struct trial_report *r = t->r;
	char status[32] = "";

	if (r->status)
		snprintf(status, sizeof(status), " (HTTP %" PRIu64 ")", r->status);
	snprintf(t->said, sizeof(t->said), "%s%s%.200s", status, r->words[0] ? ": " : "", r->words);
}

/* ---- the provider answered ---- */

static void tell_wrong_key(const struct telling *t)
{
	bool shipped = t->p->key_url[0] && !t->p->key_url_by[0];

	if (t->p->secrets == 0) {
		fail_set(t->f, FAIL_SYSTEM, "its file says that it needs no key: ccctl edit",
			 "%s wants a key%s", t->word, t->said);
		return;
	}
	fail_set(t->f, FAIL_SYSTEM, NULL, "%s refuses the key%s", t->word, t->said);
	fail_hint(t->f, "ccctl add %s --replace", t->word);
	if (shipped)
		fail_hint_add(t->f, "; keys are made at %s", t->p->key_url);
}

static void tell_wrong_path(const struct telling *t)
{
	fail_set(t->f, FAIL_SYSTEM, NULL, "no Messages API is at %.150s%s",
		 origin_url(t->p->origin), t->said);
	fail_hint(t->f,
		  "ccctl edit %s: base_url is what the provider gives as ANTHROPIC_BASE_URL, "
		  "without /v1; then ccctl approve",
		  t->p->name);
}

static size_t common_prefix(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* The nearest by what a mistyped word is; else the one that begins as it does. */
static const char *name_near(const char *word, const char *const *names, unsigned n)
{
	const char *found = nearest_word(word, names, n);
	unsigned i;

	if (found)
		return found;
	found = names[0];
	for (i = 1; i < n; i++)
		if (common_prefix(word, names[i]) > common_prefix(word, found))
			found = names[i];
	return found;
}

/* The names nearest to the one that was asked for. */
static void tell_near(const struct telling *t)
{
	static const char *left[TRIAL_NAMES_MAX];
	const struct trial_report *r = t->r;
	const char *near;
	unsigned i, k, n = r->names;

	memcpy(left, r->name, sizeof(left));
	for (k = 0; k < NEAR_MAX && n > 0; k++) {
		near = name_near(r->model, left, n);
		if (k)
			fail_hint_add(t->f, ", %s", near);
		else
			fail_hint(t->f, "it has %s", near);
		for (i = 0; left[i] != near; i++)
			;
		for (n--; i < n; i++)
			left[i] = left[i + 1];
	}
}

static void tell_unknown_model(const struct telling *t)
{
	fail_set(t->f, FAIL_SYSTEM, NULL, "%s does not know the model %.100s%s", t->word,
		 t->r->model, t->said);
	fail_hint(t->f, "its documentation names them; ccctl edit %s, [models]", t->p->name);
	if (t->r->names == 0)
		return;
	tell_near(t);
	if (t->r->names > NEAR_MAX)
		fail_hint_add(t->f, ", ... (ccctl models %s)", t->word);
	else
		fail_hint_add(t->f, " (ccctl models %s)", t->word);
}

static void tell_rate_limited(const struct telling *t)
{
	fail_set(t->f, FAIL_SYSTEM, "try again later", "%s takes no more requests now%s", t->word,
		 t->said);
	if (t->r->retry)
		fail_hint(t->f, "try again in %llu s", (unsigned long long)t->r->retry);
}

static void tell_answered(const struct telling *t)
{
	switch (t->r->outcome) {
	case TRIAL_WRONG_KEY:
		tell_wrong_key(t);
		break;
	case TRIAL_WRONG_PATH:
		tell_wrong_path(t);
		break;
	case TRIAL_UNKNOWN_MODEL:
		tell_unknown_model(t);
		break;
	case TRIAL_NO_CREDIT:
		fail_set(t->f, FAIL_SYSTEM, "that is between you and the provider",
			 "%s knows the key, and the account has no credit%s", t->word, t->said);
		break;
	case TRIAL_RATE_LIMITED:
		tell_rate_limited(t);
		break;
	case TRIAL_PROVIDER_ERROR:
		fail_set(t->f, FAIL_SYSTEM, "try again later", "%s has trouble of its own%s",
			 t->word, t->said);
		break;
	case TRIAL_BROKEN_ANSWER:
		fail_set(t->f, FAIL_SYSTEM, "is the address right, and is it http or https?",
			 "what answers at %.100s breaks off, or speaks no HTTP%s", t->host,
			 t->said);
		break;
	default:
		fail_set(t->f, FAIL_SYSTEM, NULL, "%s refuses the request%s", t->word, t->said);
		fail_hint(t->f, "ccctl test %s --model MODEL tries another model", t->word);
	}
}

/* ---- it could not be asked ---- */

static void tell_tls(const struct telling *t)
{
	char date[DATE_TEXT];

	switch (t->r->outcome) {
	case TRIAL_UNKNOWN_AUTHORITY:
		fail_set(t->f, FAIL_SYSTEM, NULL,
			 "the certificate of %.100s is by an authority that is not known here",
			 t->host);
		fail_hint(t->f,
			  "behind a proxy that opens TLS: NODE_EXTRA_CA_CERTS=FILE, with your "
			  "company's certificate; then ccctl approve %s",
			  t->p->name);
		break;
	case TRIAL_OTHER_HOST:
		fail_set(t->f, FAIL_SYSTEM,
			 "is the address right? a network that wants a log-in answers so, too",
			 "the certificate that %.100s shows is another host's", t->host);
		break;
	case TRIAL_CLOCK:
		fail_set(t->f, FAIL_SYSTEM, "is the clock right?",
			 "the certificate of %.100s is not valid at the time of this machine, %s",
			 t->host, date_local((uint64_t)clock_wall(), date));
		break;
	default:
		fail_set(t->f, FAIL_SYSTEM, "is it http or https?", "no TLS with %.100s: %.150s",
			 t->host, t->r->words);
	}
}

static void tell_unasked(const struct telling *t)
{
	switch (t->r->outcome) {
	case TRIAL_NO_HOST:
		fail_set(t->f, FAIL_SYSTEM, "is there a network, and is the address right?",
			 "the name %.200s is not known (DNS)", t->host);
		break;
	case TRIAL_REFUSED:
		fail_set(t->f, FAIL_SYSTEM,
			 t->p->local ? "is the server started, and the port right?"
				     : "is the address right?",
			 "nobody listens at %.200s (connection refused)", t->host);
		break;
	case TRIAL_TIMEOUT:
		fail_set(t->f, FAIL_SYSTEM, NULL, "%.200s gave no answer in time", t->host);
		fail_hint(t->f, "a firewall? ccctl test %s --wait SECONDS waits longer", t->word);
		break;
	case TRIAL_PROXY:
		fail_set(t->f, FAIL_SYSTEM,
			 "HTTPS_PROXY, or the proxy in Claude Code's settings, is the way to it",
			 "the proxy on the way to %.100s lets nothing pass%s", t->host, t->said);
		break;
	case TRIAL_UNREACHABLE:
		fail_set(t->f, FAIL_SYSTEM, "is there a network, and is the address right?",
			 "%.100s cannot be reached%s", t->host, t->said);
		break;
	default:
		tell_tls(t);
	}
}

/* ---- ccrun did not ask ---- */

static void tell_own(const struct telling *t)
{
	const struct failure *why = &t->r->failure;

	switch (t->r->outcome) {
	case TRIAL_LIMIT:
		fail_set(t->f, FAIL_SYSTEM, NULL, "%s: %.250s", t->word, t->r->words);
		fail_hint(t->f, "ccctl spent; ccctl limit %s shows and sets it",
			  t->p->secrets ? t->p->secret[0].entry : t->p->name);
		break;
	case TRIAL_NO_MODEL:
		fail_set(t->f, FAIL_CONFIG, NULL,
			 "which model? no file of %s names one, and it has no list", t->word);
		fail_hint(t->f, "ccctl test %s --model MODEL", t->word);
		break;
	case TRIAL_LAUNCH_ONLY:
		fail_set(t->f, FAIL_POLICY, NULL, "%s can be tried only by a launch: %.220s",
			 t->word, why->what[0] ? why->what : t->r->words);
		fail_hint(t->f, "ccrun %s -p hi", t->word);
		break;
	default:
		if (why->code != FAIL_NONE)
			fail_set(t->f, why->code, why->hint, "%s", why->what);
		else
			fail_set(t->f, t->r->outcome == TRIAL_LOCKED ? FAIL_LOCKED : FAIL_SYSTEM,
				 NULL, "%s: %.250s", t->word, t->r->words);
	}
}

void trial_fail(const struct trial_report *r, const struct provider *p, const char *word,
		struct failure *f)
{
	char host[ORIGIN_MAX_LEN + 1];
	struct telling t = { .r = r, .p = p, .word = word, .host = host, .f = f };

	origin_host(p->origin, host, sizeof(host));
	telling_set_said(&t);
	if (!trial_is_of_provider(r->outcome))
		tell_own(&t);
	else if (r->outcome < TRIAL_NO_HOST)
		tell_answered(&t);
	else
		tell_unasked(&t);
}
