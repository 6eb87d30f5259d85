/*
 * relay/pair_client.c - reading from the client and writing to it.
 */
#include "relay/pair_client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "relay/pair_end.h"
#include "relay/pair_state.h"

#define LINGER_MS 2000 /* for the client to read the last answer */

bool pair_fill(struct pair *p)
{
	ssize_t n = sender_recv(&p->relay->sender, p->fd, p->in.p + p->in.to, buffer_room(&p->in));

	if (n > 0) {
		p->in.to += (size_t)n;
		if (p->in_used < p->in.to)
			p->in_used = p->in.to;
		p->moved = true;
		return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return false;
	if (n < 0 && errno == EPERM)
		relay_channel_note_refusal(&p->relay->channel,
					   "another process wrote to a connection of the session");
	pair_end(p, true);
	return false;
}

bool pair_flush(struct pair *p)
{
	size_t waiting = buffer_waiting(&p->out);
	ssize_t n;

	if (waiting == 0)
		return false;
	if (p->out_used < p->out.to)
		p->out_used = p->out.to;
	do
		n = send(p->fd, p->out.p + p->out.from, waiting, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		buffer_take(&p->out, (size_t)n);
		return true;
	}
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		pair_end(p, true);
	return false;
}

void pair_bid_farewell(struct pair *p, bool left)
{
	pair_report(p, left);
	pair_end_flows(p);
	pair_close_upstream(p);
	p->in.from = p->in.to = 0;
	p->state = PAIR_FAREWELL;
}

void pair_say(struct pair *p, const struct api_error *e)
{
	pair_bid_farewell(p, false);
	p->out.from = 0;
	p->out.to = api_error_write(e, p->out.p);
}

void pair_answer(struct pair *p, unsigned status, enum api_error_type type, const char *text)
{
	pair_answer_because(p, status, type, text, NULL);
}

void pair_answer_because(struct pair *p, unsigned status, enum api_error_type type,
			 const char *text, const char *cause)
{
	char words[API_ERROR_TEXT_MAX];
	const struct api_error e = { status, type, words, 0, true, cause };

	snprintf(words, sizeof(words), "ccrun: %s", text);
	pair_say(p, &e);
}

bool pair_step_farewell(struct pair *p)
{
	bool went = pair_flush(p);

	/* Closing at once could take the answer from a client that still writes. */
	if (p->state == PAIR_OVER)
		return false;
	if (buffer_waiting(&p->out) == 0 && !p->shut) {
		shutdown(p->fd, SHUT_WR);
		p->shut = true;
		p->linger_until = clock_now_ms() + LINGER_MS;
	}
	p->in.from = p->in.to = 0;
	went |= pair_fill(p);
	if (p->shut && clock_now_ms() >= p->linger_until)
		pair_end(p, false);
	return went;
}

void pair_refuse_memory(struct pair *p)
{
	pair_answer(p, 503, API_ERROR, "too many requests at once for its locked memory");
}
