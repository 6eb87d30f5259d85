/*
 * relay/request_fields.h - which fields of the client's request the provider gets.
 */
#ifndef RELAY_REQUEST_FIELDS_H
#define RELAY_REQUEST_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/http_request.h"

enum request_field_kind {
	REQUEST_FIELD_PLAIN,	  /* passed on */
	REQUEST_FIELD_HOP,	  /* meant for the relay itself, or written anew from the framing */
	REQUEST_FIELD_CREDENTIAL, /* the client's: a placeholder, or what it must not send */
	REQUEST_FIELD_REPLACED,	  /* the relay writes its own */
	REQUEST_FIELD_ROUTING,	  /* servers that heed it serve another method or path */
};

/* A field that the relay fills with a secret: "authorization" and "Bearer", say. */
struct request_secret {
	const char *name;
	const char *scheme; /* written before the value with a blank; NULL: none */
};

/* What a field of this name is by itself.  Contract of http_name_is for the spelling. */
enum request_field_kind request_field_kind(struct http_view name);

/*
 * Does the provider get r's fields of this name?  Not what is of another kind than
 * plain, nor what r's own Connection names, nor what one of the `count` secrets fills.
 */
bool request_field_passes(const struct http_request *r, struct http_view name,
			  const struct request_secret *secrets, size_t count);

#endif
