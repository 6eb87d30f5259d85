/*
 * relay/request_meter.c - what of a request tells how much it may cost.
 */
#include "relay/request_meter.h"

#include <string.h>
#include <strings.h>

#include "relay/meter_numbers.h"

enum member {
	MEMBER_OTHER,
	MEMBER_STREAM,
	MEMBER_MAX_TOKENS,
	MEMBER_MODEL,
	MEMBER_TOOLS,
	MEMBER_REMOTE, /* tools elsewhere, which the provider asks */
	MEMBER_SOURCE,
	MEMBER_TYPE,
	MEMBER_DOCUMENT
};

#define DEPTH_TOP 1
#define DEPTH_TOOL 3 /* of the members of an object in the array "tools" */

static const struct {
	const char *name;
	bool anywhere; /* or at the top alone */
	enum member member;
} members[] = {
	{ "stream", false, MEMBER_STREAM },
	{ "max_tokens", false, MEMBER_MAX_TOKENS },
	{ "model", false, MEMBER_MODEL },
	{ "tools", false, MEMBER_TOOLS },
	{ "mcp_servers", false, MEMBER_REMOTE },
	{ "container", false, MEMBER_REMOTE },
	{ "source", true, MEMBER_SOURCE },
	{ "type", true, MEMBER_TYPE },
	/* Bedrock's Converse names the kind of a block by a member. */
	{ "document", true, MEMBER_DOCUMENT },
	{ "video", true, MEMBER_DOCUMENT },
};

/* Tools of these types are run by the client, or add nothing that is not in the request. */
static const char *const clients_tools[] = {
	"custom", "bash_", "text_editor_", "computer_", "memory_", "tool_search_tool_",
};

void request_meter_start(struct request_meter *m)
{
	memset(m, 0, sizeof(*m));
	json_lexer_start(&m->lexer);
}

/* Some servers do not look at capitals. */
static enum member member_of(const char *key, unsigned depth)
{
	size_t i;

	for (i = 0; key && i < sizeof(members) / sizeof(members[0]); i++)
		if ((members[i].anywhere || depth == DEPTH_TOP) &&
		    strcasecmp(members[i].name, key) == 0)
			return members[i].member;
	return MEMBER_OTHER;
}

static bool tool_is_clients(const char *type)
{
	size_t i;

	for (i = 0; type && i < sizeof(clients_tools) / sizeof(clients_tools[0]); i++)
		if (strncmp(type, clients_tools[i], strlen(clients_tools[i])) == 0)
			return true;
	return false;
}

/* The type of a block of the conversation, of a tool, or of anything else. */
static void meter_read_type(struct request_meter *m, const char *type)
{
	if (m->in_tools && m->lexer.depth == DEPTH_TOOL && !tool_is_clients(type))
		m->fetches = true;
	if (type && (strcmp(type, "document") == 0 || strcmp(type, "container_upload") == 0))
		m->enclosed = true;
}

/* Of members with the same name any may count: so does what costs most. */
static void meter_read_most(struct request_meter *m, enum json_token token, const char *text)
{
	uint64_t n;

	if (token != JSON_TOKEN_NUMBER || !text || !meter_tokens_parse(text, &n))
		m->most_unknown = true;
	else if (n > m->most)
		m->most = n;
}

static void meter_read_value(struct request_meter *m, enum json_token token)
{
	const char *text = json_lexer_text(&m->lexer);
	bool opens = token == JSON_TOKEN_OBJECT || token == JSON_TOKEN_ARRAY;

	switch (m->member) {
	case MEMBER_STREAM:
		if (token == JSON_TOKEN_BOOL && m->lexer.truth)
			m->streams = true;
		else
			m->whole = true;
		break;
	case MEMBER_MAX_TOKENS:
		meter_read_most(m, token, text);
		break;
	case MEMBER_TOOLS:
		m->in_tools = opens;
		break;
	case MEMBER_REMOTE:
		m->fetches |= token != JSON_TOKEN_NULL;
		break;
	case MEMBER_SOURCE:
		m->pictures += token == JSON_TOKEN_OBJECT;
		break;
	case MEMBER_TYPE:
		if (!opens && token != JSON_TOKEN_NULL)
			meter_read_type(m, token == JSON_TOKEN_STRING ? text : NULL);
		break;
	case MEMBER_DOCUMENT:
		m->enclosed |= token == JSON_TOKEN_OBJECT;
		break;
	default:
		break;
	}
}

static void meter_read_key(struct request_meter *m)
{
	const char *name = json_lexer_text(&m->lexer);

	m->member = (uint8_t)member_of(name, m->lexer.depth);
	m->models += m->member == MEMBER_MODEL;
	/* Some servers take U+017F for an s and U+212A for a k, or stop at a NUL: it may be any. */
	if (!name && m->lexer.depth == DEPTH_TOP) {
		m->whole = m->most_unknown = true;
		m->models++;
	}
}

void request_meter_feed(struct request_meter *m, const void *p, size_t n)
{
	const uint8_t *at = p, *end = at + n;
	enum json_token token;

	while ((token = json_lexer_next(&m->lexer, &at, end)) != JSON_TOKEN_NONE) {
		if (token == JSON_TOKEN_BAD) {
			m->unreadable = true;
			return;
		}
		if (token == JSON_TOKEN_KEY) {
			meter_read_key(m);
			/* Nothing of the conversation is kept. */
			m->lexer.keep = m->member != MEMBER_OTHER;
			continue;
		}
		if (token == JSON_TOKEN_END)
			m->in_tools = m->in_tools && m->lexer.depth > DEPTH_TOP;
		else
			meter_read_value(m, token);
		m->member = MEMBER_OTHER;
		m->lexer.keep = json_lexer_awaits_key(&m->lexer);
	}
}

bool request_meter_is_ambiguous(const struct request_meter *m)
{
	return m->models > 1;
}

bool request_meter_is_unreadable(const struct request_meter *m)
{
	return m->unreadable;
}

uint64_t request_meter_input(const struct request_meter *m, uint64_t n, bool counted)
{
	if (!json_lexer_complete(&m->lexer) || m->fetches)
		return 0;
	if (counted)
		return n;
	return m->enclosed ? 0 : n + m->pictures * REQUEST_PICTURE_BYTES;
}

uint64_t request_meter_output(const struct request_meter *m)
{
	if (json_lexer_complete(&m->lexer) && m->streams && !m->whole)
		return 0;
	return json_lexer_complete(&m->lexer) && m->most && !m->most_unknown ? m->most
									     : REQUEST_OUTPUT_MAX;
}
