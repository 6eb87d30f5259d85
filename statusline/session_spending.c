/*
 * statusline/session_spending.c - what was used, from the broker's answer.
 */
#include "statusline/session_spending.h"

#include <stdio.h>
#include <string.h>

#include "dial/dial.h"
#include "statusline/session_provider.h"
#include "wire/limits.h"
#include "wire/pack.h"
#include "wire/unpack.h"

static const char *const kind_keys[LIMIT_KINDS] = {
	[LIMIT_TOKENS] = "tokens", [LIMIT_MONEY] = "micros", [LIMIT_REQUESTS] = "requests"
};

/* "$3.10 of $10/day" */
static void spending_set_limited(struct wire_map m, struct session_spending *out)
{
	char kind[16], period[8], used[LIMIT_AMOUNT], text[LIMIT_TEXT];
	struct limit one = { 0 };
	uint64_t n, most;
	int k, per;

	if (wire_get_text(m, "kind", kind, sizeof(kind), NULL) != 0 ||
	    wire_get_text(m, "period", period, sizeof(period), NULL) != 0 ||
	    wire_get_uint(m, "most", &most, NULL) != 0 || wire_get_uint(m, "used", &n, NULL) != 0)
		return;
	for (k = 0; k < LIMIT_KINDS && strcmp(kind_keys[k], kind) != 0; k++)
		;
	for (per = 0; per < LIMIT_PERIODS; per++)
		if (strcmp(limit_period_name((enum limit_period)per), period) == 0)
			break;
	if (k == LIMIT_KINDS || per == LIMIT_PERIODS || most == 0)
		return;
	one.of[k].most = most;
	one.of[k].per = (enum limit_period)per;
	limit_format(&one, text);
	limit_format_amount((enum limit_kind)k, n, used);
	out->limited = true;
	out->percent = (double)n * 100 / (double)most;
	snprintf(out->text, sizeof(out->text), "%.20s of %.38s", used, text);
}

/* "$3.10 today"; in tokens where no cost is known. */
static void spending_set_today(struct wire_map m, struct session_spending *out)
{
	char used[LIMIT_AMOUNT];
	uint64_t tokens, micros;

	if (wire_get_uint(m, "tokens", &tokens, NULL) != 0 ||
	    wire_get_uint(m, "micros", &micros, NULL) != 0)
		return;
	if (micros)
		limit_format_amount(LIMIT_MONEY, micros, used);
	else
		limit_format_amount(LIMIT_TOKENS, tokens, used);
	snprintf(out->text, sizeof(out->text), "%s today", used);
}

void session_spending_read(const struct session_provider *p, int ms, struct session_spending *out)
{
	static char buf[WIRE_PACKET_MAX]; /* no secret comes in it */
	bool counted = false;
	struct wire_out *o;
	struct dial d;

	memset(out, 0, sizeof(*out));
	if (!p->entry[0])
		return;
	if (dial_open_within(&d, ms, buf, sizeof(buf), NULL) == 0) {
		o = wire_request("spent-today");
		wire_put_str(o, "name", p->entry);
		if (dial_call(&d, o, NULL, NULL) == 0 &&
		    wire_get_bool(d.in.top, "counted", &counted, NULL) == 0 && counted) {
			spending_set_limited(d.in.top, out);
			if (!out->limited)
				spending_set_today(d.in.top, out);
		}
	}
	dial_close(&d);
}
