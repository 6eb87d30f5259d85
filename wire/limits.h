/*
 * wire/limits.h - the numbers of the protocol, each with its reason.
 */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

#define WIRE_VERSION 1
#define WIRE_PACKET_MAX 65536 /* bytes; the default send buffer of AF_UNIX holds three */
#define WIRE_DEPTH_MAX 4      /* map > array > map > value is the deepest message */
#define WIRE_KEYS_MAX 32 /* keys of one map; the largest message, the answer to status, has 26 */

#define NAME_MAX_LEN 64		/* entry, provider and mode names */
#define VARIABLE_MAX_LEN 64	/* an environment variable's name */
#define HEADER_NAME_MAX 57	/* a header's name; VARIABLE_MAX_LEN with "header:" before it */
#define HEADER_VALUE_MAX 256	/* a header's value that a provider's file says */
#define HEADERS_MAX 16		/* headers that a provider's file says */
#define HEADERS_MAX_LEN 2048	/* all of them, as lines of ENV_SEALED_MAX */
#define ORIGIN_MAX_LEN 512	/* an endpoint with its kind of credential */
#define POLICY_MAX_LEN 448	/* a policy as text */
#define PROGRAM_SHOWN 256	/* with its NUL: a path that a person is shown */
#define SEAL_DIGEST_HEX 32	/* digits of the digest of what a policy seals by its bytes */
#define ENV_SEALED_MAX 8192	/* the variables of [env] that are sealed, as lines */
#define SOURCE_REF_MAX 1024	/* a reference into another manager, as it is typed */
#define SOURCE_COMMAND_MAX 2048 /* the command that fetches it, as text */
#define SOURCE_PICK_MAX 256	/* which part of what it prints */
#define TOKEN_MAX 16384 /* bytes; the longest credentials in use (signed tokens) are below 8 KiB */
#define TICKET_LEN 32	/* hexadecimal digits of a session's ticket: 128 random bits */
#define SESSION_ENTRIES_MAX 3 /* access key, secret key, session token */
#define PROJECT_MAX_LEN 200   /* bytes of a project directory's name, which is cut to that */

#define KEY_LEN 32 /* wrapping keys and the vault key */
#define SALT_LEN 16

#define CLAIM_DEADLINE_MS 10000 /* from the answer to `open` to the claim: an exec and the loader */
#define REPLY_DEADLINE_MS 10000 /* a client waits this long for an answer */
#define SOURCE_TIMEOUT_MAX \
	170 /* seconds for a manager that may ask its user; below SOURCE_DEADLINE_MS */
#define SOURCE_DEADLINE_MS 180000 /* from source-take to source-put */
#define IDLE_DEADLINE_MS 30000	  /* a connection without a session may be silent this long */

/* Both programs may say so: the older one, and the newer one. */
#define WIRE_HINT_VERSIONS                                                                   \
	"programs of one version belong together; after an upgrade end the broker that was " \
	"started "                                                                           \
	"before it (ccctl status has its process), and unlock again"

#endif
