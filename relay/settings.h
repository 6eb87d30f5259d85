/*
 * relay/settings.h - what the broker says at the start: which session, which provider,
 * by which way.
 */
#ifndef RELAY_SETTINGS_H
#define RELAY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "relay/request_head.h"
#include "relay/request_routes.h"
#include "wire/limits.h"

struct arena;
struct channel;
struct failure;

#define FIELD_NAME_MAX 64
#define PROXY_MAX 2048
#define NO_PROXY_MAX 4096
#define FILE_BYTES_MAX (1024 * 1024)

struct session_file {
	char *p; /* NULL: there is none */
	size_t n;
};

struct relay_settings {
	/* whose requests these are */
	pid_t pid;
	uid_t uid;
	int session;  /* pidfd of that process */
	int broker;   /* pidfd of the broker, or -1 */
	int listener; /* where it connects */
	/* where they go */
	/* Scheme, host and port alone; http://localhost, and a name below it, is 127.0.0.1
	 * there. */
	char url[ORIGIN_MAX_LEN + 32];
	char host[ORIGIN_MAX_LEN + 1]; /* for the field Host, and for words */
	char prefix[ORIGIN_MAX_LEN + 1];
	bool tls;
	bool v4; /* a name without TLS: its IPv6 addresses are not used */
	uint16_t port;
	struct request_provider provider; /* of the texts here */
	enum request_api api;
	bool renewable; /* a key that the provider refuses may be had anew */
	char header[SESSION_ENTRIES_MAX][FIELD_NAME_MAX + 1];
	struct request_secret secrets[SESSION_ENTRIES_MAX];
	char added_name[HEADERS_MAX][FIELD_NAME_MAX + 1];
	char added_value[HEADERS_MAX][HEADER_VALUE_MAX + 1];
	struct request_added added[HEADERS_MAX];
	/* by which way; both of the arena, since a proxy may want a password */
	char *proxy, *no_proxy;
	uint16_t proxy_port;		   /* 0: no proxy */
	struct session_file ca, cert, key; /* of the arena, but for ca */
};

/*
 * Receive the messages `file` and `start`, within a deadline.  a: for what may be a
 * secret.  libcurl must have been initialised.  Returns 0, or -1 with f set.
 */
int settings_receive(struct relay_settings *s, struct channel *c, struct arena *a,
		     struct failure *f);

#endif
