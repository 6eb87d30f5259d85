/*
 * relay/request_fields.h - which fields of the client's request the provider gets.
 */
#ifndef RELAY_REQUEST_FIELDS_H
#define RELAY_REQUEST_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/http_request.h"

enum request_field_kind {
	REQUEST_FIELD_OTHER,	  /* unknown: never the client's, for the policy to add */
	REQUEST_FIELD_PASSED,	  /* one of the client's own that the API reads */
	REQUEST_FIELD_HOP,	  /* meant for the relay itself, or written anew from the framing */
	REQUEST_FIELD_CREDENTIAL, /* the client's: a placeholder, or what it must not send */
	REQUEST_FIELD_REPLACED,	  /* the relay writes its own, or leaves it out */
	REQUEST_FIELD_ROUTING,	  /* servers that heed it serve another method, path or host */
};

/* A field that the relay fills with a secret: "authorization" and "Bearer", say. */
struct request_secret {
	const char *name;
	const char *scheme; /* written before the value with a blank; NULL: none */
};

/* A field that the relay adds as the provider's file says; no secret. */
struct request_added {
	const char *name, *value;
};

/* What a provider's file says about fields. */
struct request_field_policy {
	const struct request_secret *secrets;
	size_t secret_count;
	const struct request_added *added;
	size_t added_count;
};

/* What a field of this name is by itself.  Contract of http_name_is for the spelling. */
enum request_field_kind request_field_kind(struct http_view name);

/*
 * Does the provider get r's fields of this name?  Only those of the kind "passed": a
 * gateway's fields can name another host for the key to go to, and nobody has a full list
 * of them.  Never what has a `_` in its name, what r's own Connection names, or what p
 * fills or adds.
 */
bool request_field_passes(const struct http_request *r, struct http_view name,
			  const struct request_field_policy *p);

#endif
