/*
 * relay/request_meter.c - "stream" and "max_tokens" at the top of a request.
 */
#include "relay/request_meter.h"

#include <string.h>
#include <strings.h>

#include "relay/meter_numbers.h"

enum member { MEMBER_OTHER, MEMBER_STREAM, MEMBER_MAX_TOKENS };

void request_meter_start(struct request_meter *m)
{
	memset(m, 0, sizeof(*m));
	json_lexer_start(&m->lexer);
}

/* Some servers do not look at capitals. */
static enum member member_of(const char *key)
{
	if (key && strcasecmp(key, "stream") == 0)
		return MEMBER_STREAM;
	return key && strcasecmp(key, "max_tokens") == 0 ? MEMBER_MAX_TOKENS : MEMBER_OTHER;
}

/* Of members with the same name any may count: so does what costs most. */
static void meter_read_value(struct request_meter *m, enum json_token token)
{
	const char *text = json_lexer_text(&m->lexer);
	uint64_t n;

	if (m->member == MEMBER_STREAM) {
		if (token == JSON_TOKEN_BOOL && m->lexer.truth)
			m->streams = true;
		else
			m->whole = true;
	} else if (m->member == MEMBER_MAX_TOKENS) {
		if (token != JSON_TOKEN_NUMBER || !text || !meter_tokens_parse(text, &n))
			m->most_unknown = true;
		else if (n > m->most)
			m->most = n;
	}
}

void request_meter_feed(struct request_meter *m, const void *p, size_t n)
{
	const uint8_t *at = p, *end = at + n;
	enum json_token token;

	while ((token = json_lexer_next(&m->lexer, &at, end)) != JSON_TOKEN_NONE &&
	       token != JSON_TOKEN_BAD) {
		if (token == JSON_TOKEN_KEY) {
			m->member = m->lexer.depth == 1
					    ? (uint8_t)member_of(json_lexer_text(&m->lexer))
					    : MEMBER_OTHER;
		} else {
			if (token != JSON_TOKEN_END)
				meter_read_value(m, token);
			m->member = MEMBER_OTHER;
		}
		/* Nothing of the conversation is kept. */
		m->lexer.keep = m->lexer.depth == 1;
	}
}

uint64_t request_meter_output(const struct request_meter *m)
{
	if (json_lexer_complete(&m->lexer) && m->streams && !m->whole)
		return 0;
	return json_lexer_complete(&m->lexer) && m->most && !m->most_unknown ? m->most
									     : REQUEST_OUTPUT_MAX;
}
