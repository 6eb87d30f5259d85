/*
 * relay/json_lexer.h - the tokens of a JSON text as its bytes arrive, in constant memory.
 *
 * A conversation passes here, so nothing of the text is kept but the one key, string or
 * number that the caller asks for, up to JSON_LEXER_TEXT_MAX bytes.  The grammar is
 * checked (RFC 8259), with an object as the outermost value; that strings are UTF-8 is
 * not.  Read as well, so that no answer escapes the meter: a byte order mark before the
 * text; NaN, Infinity and -Infinity, as numbers without a text.
 */
#ifndef RELAY_JSON_LEXER_H
#define RELAY_JSON_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Containers that are nested deeper are counted, but their kind is not kept: either
   bracket closes them, and a later key of an object is told as a string. */
#define JSON_LEXER_DEPTH_MAX 512
#define JSON_LEXER_TEXT_MAX 128 /* the longest model name that is told */

enum json_token {
	JSON_TOKEN_NONE,   /* all bytes are read, and no further token is complete */
	JSON_TOKEN_OBJECT, /* an object or array begins; depth counts it */
	JSON_TOKEN_ARRAY,
	JSON_TOKEN_END, /* one ended; depth does not count it any more */
	JSON_TOKEN_KEY,
	JSON_TOKEN_STRING,
	JSON_TOKEN_NUMBER,
	JSON_TOKEN_BOOL,
	JSON_TOKEN_NULL,
	JSON_TOKEN_BAD /* no JSON: from now on every call says so */
};

struct json_lexer {
	bool truth;	/* of the JSON_TOKEN_BOOL just returned */
	bool keep;	/* set by the caller: keep the text of the next key, string, number */
	unsigned depth; /* objects and arrays that are open */
	uint8_t state;
	uint8_t number;	  /* where in a number's grammar */
	bool is_key;	  /* the string that is being read */
	bool unfit;	  /* it is too long, or not printable ASCII */
	uint8_t bom;	  /* bytes of the byte order mark */
	uint8_t hex_left; /* digits to come of a \u escape */
	uint16_t hex;
	const char *literal; /* what is to come of true, false, null */
	enum json_token literal_token;
	uint8_t objects[JSON_LEXER_DEPTH_MAX / 8]; /* a bit an open container: is it an object? */
	size_t len;
	char text[JSON_LEXER_TEXT_MAX + 1];
};

/* Begin a text. */
void json_lexer_start(struct json_lexer *s);

/*
 * Read from *p up to the next token's end, at most to end, and move *p behind what was
 * read.  A caller calls until it gets JSON_TOKEN_NONE or JSON_TOKEN_BAD.
 */
enum json_token json_lexer_next(struct json_lexer *s, const uint8_t **p, const uint8_t *end);

/*
 * The text of the key, string or number just returned, its escapes undone.  NULL unless
 * keep was set, and the text is at most JSON_LEXER_TEXT_MAX printable ASCII characters
 * (blanks included).  Valid until the next call.
 */
const char *json_lexer_text(const struct json_lexer *s);

/* Is a string that comes next a key? */
bool json_lexer_awaits_key(const struct json_lexer *s);

/* Was the whole of one JSON text read, with blanks at most behind it? */
bool json_lexer_complete(const struct json_lexer *s);

#endif
