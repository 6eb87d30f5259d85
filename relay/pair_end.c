/*
 * relay/pair_end.c - what is wiped, closed and reported at an end.
 */
#include "relay/pair_end.h"

#include <string.h>

#include "base/io.h"
#include "base/sock.h"
#include "relay/pair_state.h"
#include "relay/upstream.h"

#define TOLD_AHEAD 16384 /* bytes of an answer */

/* By how many bytes the request's input is to be estimated, if the answer was cut off. */
static uint64_t pair_input_bytes(const struct pair *p, const struct meter_result *result)
{
	const struct request_flow *q = &p->request;
	const uint64_t *n = result->tokens.n;
	bool counted = n[TOKENS_INPUT] || n[TOKENS_CACHE_WRITE] || n[TOKENS_CACHE_READ];

	return q->ended ? request_meter_input(&q->meter, q->bytes, counted) : q->bytes;
}

/*
 * No answer began: may the provider be at work on one, and bill it?  It has all of the request
 * then; of one that the client left it may have had enough.  Whoever cut the way there: a session
 * names the proxy that is on it, and must not have requests for nothing by that.
 */
static bool pair_was_asked(const struct pair *p, bool left)
{
	const struct request_flow *q = &p->request;

	return q->head_sent && (left || (q->ended && !q->broken && buffer_waiting(&q->out) == 0));
}

void pair_report(struct pair *p, bool left)
{
	struct meter_result result;
	struct channel_use use = { .id = p->id, .result = &result };

	if (!p->due)
		return;
	p->due = false;
	use.status = answer_flow_status(&p->answer);
	use.billed = use.status ? use.status / 100 == 2 : pair_was_asked(p, left);
	answer_flow_measure(&p->answer, &result);
	use.model = result.model[0] ? result.model : p->request.model;
	use.complete = result.complete && p->answer.ended;
	use.sent = p->answer.sent;
	use.bytes = pair_input_bytes(p, &result);
	if (relay_channel_report_use(&p->relay->channel, &use) != 0)
		p->relay->hung_up = true;
}

void pair_announce(struct pair *p)
{
	bool bounded = p->request.ended && p->request.output && !p->told;

	if (!p->reserved || !p->due || (!bounded && p->answer.sent <= p->told))
		return;
	/* Ahead of what passed, so that a long answer is few messages. */
	p->told = (p->answer.sent / TOLD_AHEAD + 1) * TOLD_AHEAD;
	if (relay_channel_report_passing(&p->relay->channel, p->id, p->told, p->request.output) !=
	    0)
		p->relay->hung_up = true;
}

void pair_wipe_buffers(struct pair *p)
{
	size_t kept = buffer_waiting(&p->in);

	if (kept && p->in.from)
		memmove(p->in.p, p->in.p + p->in.from, kept);
	if (p->in_used > kept)
		io_wipe(p->in.p + kept, p->in_used - kept);
	p->in.from = 0;
	p->in.to = p->in_used = kept;
	io_wipe(p->out.p, p->out_used);
	p->out.from = p->out.to = p->out_used = 0;
}

void pair_end_try(struct pair *p)
{
	request_flow_end(&p->request, p->relay->arena);
	answer_flow_end(&p->answer, p->relay->arena);
	key_let_go(&p->relay->key, p->held);
	p->held = NULL;
	io_wipe(&p->request, sizeof(p->request));
	request_flow_init(&p->request);
}

void pair_end_flows(struct pair *p)
{
	pair_end_try(p);
	kept_request_end(&p->kept);
}

void pair_close_upstream(struct pair *p)
{
	upstream_close(p->up);
	p->up = NULL;
}

void pair_end(struct pair *p, bool left)
{
	if (p->state == PAIR_OVER)
		return;
	pair_report(p, left);
	pair_end_flows(p);
	pair_close_upstream(p);
	p->in.from = p->in.to = 0;
	pair_wipe_buffers(p);
	sock_close(p->fd);
	p->fd = -1;
	p->state = PAIR_OVER;
}
