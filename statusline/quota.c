/*
 * statusline/quota.c - quota from the client's input or the broker's answer.
 */
#include "statusline/quota.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "statusline/client_input.h"
#include "statusline/session_provider.h"
#include "dial/dial.h"
#include "wire/limits.h"
#include "wire/pack.h"
#include "wire/unpack.h"

static void quota_add_window(struct quota *q, const char *label, const struct input_window *w)
{
	struct quota_item *it = &q->item[q->items];

	if (!w->present)
		return;
	snprintf(it->label, sizeof(it->label), "%s", label);
	it->is_percent = true;
	it->percent = w->percent;
	it->reset = w->reset;
	q->items++;
}

static void quota_from_input(const struct client_input *in, struct quota *q)
{
	quota_add_window(q, "5h", &in->five_hour);
	quota_add_window(q, "wk", &in->seven_day);
	q->state = QUOTA_FRESH;
}

/* One item of the answer.  An item without a number is left out. */
static void quota_add_item(struct wire_map m, struct quota *q)
{
	struct quota_item *it = &q->item[q->items];
	uint64_t n;

	memset(it, 0, sizeof(*it));
	if (wire_get_text(m, "label", it->label, sizeof(it->label), NULL) != 0)
		return;
	if (wire_has(m, "percent") && wire_get_uint(m, "percent", &n, NULL) == 0) {
		it->is_percent = true;
		it->percent = (double)n / 100;
	}
	if (wire_has(m, "amount") &&
	    wire_get_text(m, "amount", it->amount, sizeof(it->amount), NULL) != 0)
		it->amount[0] = '\0';
	if (wire_has(m, "currency") &&
	    wire_get_text(m, "currency", it->currency, sizeof(it->currency), NULL) != 0)
		it->currency[0] = '\0';
	if (wire_has(m, "reset") && wire_get_uint(m, "reset", &n, NULL) == 0 &&
	    n < (uint64_t)1 << 40)
		it->reset = (int64_t)n;
	if (it->is_percent || it->amount[0])
		q->items++;
}

static void quota_from_answer(struct wire_map m, struct quota *q)
{
	struct wire_map item;
	unsigned count = 0, i;
	char state[16];

	q->state = QUOTA_ERROR;
	if (wire_get_text(m, "state", state, sizeof(state), NULL) != 0)
		return;
	if (strcmp(state, "none") == 0)
		q->state = QUOTA_NONE;
	if (strcmp(state, "waiting") == 0)
		q->state = QUOTA_WAITING;
	if (strcmp(state, "fresh") != 0 && strcmp(state, "stale") != 0)
		return;
	if (wire_get_array(m, "items", &count, NULL) != 0)
		return;
	for (i = 0; i < count && q->items < QUOTA_ITEMS; i++)
		if (wire_get_item(m, "items", i, &item, NULL) == 0)
			quota_add_item(item, q);
	if (q->items || count == 0)
		q->state = strcmp(state, "fresh") == 0 ? QUOTA_FRESH : QUOTA_STALE;
}

/* false: no broker answered with numbers. */
static bool quota_ask_broker(const struct session_provider *p, int ms, struct quota *q)
{
	static char buf[WIRE_PACKET_MAX]; /* no secret comes in it */
	struct failure f = { 0 };
	struct wire_out *o;
	bool answered = false;
	struct dial d;

	q->state = QUOTA_ERROR;
	if (dial_open_within(&d, ms, buf, sizeof(buf), &f) == 0) {
		o = wire_request("usage");
		wire_put_str(o, "name", p->usage);
		wire_put_bool(o, "own", p->own);
		answered = dial_call(&d, o, NULL, &f) == 0;
		if (answered)
			quota_from_answer(d.in.top, q);
		else if (d.refused && f.code == FAIL_UNKNOWN_OP) /* an older broker */
			q->state = QUOTA_NONE;
	}
	dial_close(&d);
	return answered;
}

void quota_read(const struct client_input *in, const struct session_provider *p, int ms,
		struct quota *out)
{
	memset(out, 0, sizeof(*out));
	if (p->subscription && in->has_limits) {
		quota_from_input(in, out);
		return;
	}
	if (!p->usage[0])
		return;
	/* The client's own login works without a broker: then this is not an error. */
	if (!quota_ask_broker(p, ms, out) && p->subscription)
		out->state = QUOTA_NONE;
}
