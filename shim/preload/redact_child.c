/*
 * redact_child.c - taking the secrets out of a child's arguments and environment.
 *
 * Runs in vfork children, whose memory is the parent's: reads the session and
 * the caller's arrays, writes into the memory that it is given, nothing else.
 */
#include "shim/preload/redact_child.h"

#include <stdbool.h>
#include <string.h>

#include "base/control.h"
#include "shim/preload/exec_image.h"
#include "shim/preload/session_state.h"

#define SECRET_SHORT 8	/* shorter values match as a whole only: "ollama" is a word */
#define OUR_VARIABLES 2 /* LD_PRELOAD and the ticket */

/* What is left of the memory that the caller gave. */
struct room {
	char *at;
	size_t left;
};

static void *room_take(struct room *room, size_t n)
{
	void *p = room->at;

	if (n > room->left)
		return NULL;
	room->at += n;
	room->left -= n;
	return p;
}

static bool text_holds_secret(const char *s, size_t n, const struct session_secret *k)
{
	if (k->len < SECRET_SHORT)
		return n == k->len && memcmp(s, k->value, n) == 0;
	return n >= k->len && memmem(s, n, k->value, k->len) != NULL;
}

static bool text_holds_any(const char *s, size_t n)
{
	for (size_t i = 0; i < session.secrets; i++)
		if (text_holds_secret(s, n, &session.secret[i]))
			return true;
	return false;
}

static bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Is it of use with the relay alone, which answers only this process: its socket, or a
 * placeholder for a key? */
static bool variable_is_relays(const char *e)
{
	return has_prefix(e, SOCKET_PREFIX) || has_prefix(e, "ANTHROPIC_AUTH_TOKEN=") ||
	       has_prefix(e, "ANTHROPIC_FOUNDRY_API_KEY=") ||
	       has_prefix(e, "ANTHROPIC_FOUNDRY_AUTH_TOKEN=") ||
	       has_prefix(e, "ANTHROPIC_AWS_API_KEY=") ||
	       has_prefix(e, "AWS_BEARER_TOKEN_BEDROCK=");
}

/* May this "NAME=value" go to a child? */
static bool variable_kept(const char *e, bool keeps_session)
{
	const char *end = strchrnul(e, '=');
	const char *value = *end ? end + 1 : end;
	size_t name_len = (size_t)(end - e), len = strlen(value);

	if (has_prefix(e, FD_PREFIX) || has_prefix(e, RELAY_PREFIX) || has_prefix(e, SAVED_PREFIX))
		return false;
	/* A child never gets this library.  A session that goes on in a new image
	 * does, and one LD_PRELOAD only: the loader reads the first. */
	if (session.preload &&
	    (strcmp(e, session.preload) == 0 || (keeps_session && has_prefix(e, PRELOAD_PREFIX))))
		return false;
	if (!control_active(CONTROL_CHILD_ENVIRONMENT))
		return true;
	for (size_t i = 0; i < session.secrets; i++)
		if (session.secret[i].name_len == name_len &&
		    memcmp(session.secret[i].name, e, name_len) == 0)
			return false;
	return !text_holds_any(value, len) && !text_holds_any(e, name_len);
}

/* Does one of the n entries define the variable of "NAME=value"? */
static bool variable_is_set(char *const *env, size_t n, const char *entry)
{
	size_t len = (size_t)(strchrnul(entry, '=') - entry);

	for (size_t i = 0; i < n; i++)
		if (strncmp(env[i], entry, len) == 0 && env[i][len] == '=')
			return true;
	return false;
}

static size_t strings_count(char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

/* Pointers that a child's environment needs at most, with the NULL, if it is given so many. */
static size_t environment_room(size_t given)
{
	return given + session.saved_count + OUR_VARIABLES + 1;
}

static int redact_environment(const struct exec_image *in, struct room *room,
			      struct exec_image *out)
{
	size_t n = strings_count(in->envp), at = 0;
	const char **env = room_take(room, environment_room(n) * sizeof(*env));

	if (!env)
		return -1;
	for (size_t i = 0; i < n && in->envp[i]; i++) {
		if (session.relayed && !in->keeps_session && variable_is_relays(in->envp[i]))
			continue;
		if (variable_kept(in->envp[i], in->keeps_session))
			env[at++] = in->envp[i];
	}
	if (in->keeps_session) {
		env[at++] = session.preload;
		if (session.fd >= 0)
			env[at++] = session.ticket;
		memcpy(env + at, session.saved, session.saved_count * sizeof(*env));
		at += session.saved_count;
	} else {
		size_t given = at;

		for (size_t i = 0; i < session.saved_count; i++) {
			const char *back = session.saved[i] + strlen(SAVED_PREFIX);

			if (variable_kept(back, false) &&
			    !variable_is_set((char *const *)env, given, back))
				env[at++] = back;
		}
	}
	env[at] = NULL;
	out->envp = (char *const *)env;
	return 0;
}

/* A copy of s with every secret in it as x's; overlapping ones too. */
static char *argument_mask(const char *s, size_t n, struct room *to)
{
	char *out = room_take(to, n + 1);

	if (!out)
		return NULL;
	memcpy(out, s, n);
	out[n] = '\0';
	for (size_t i = 0; i < session.secrets; i++) {
		const struct session_secret *k = &session.secret[i];
		const char *hit = s;

		if (!text_holds_secret(s, n, k))
			continue;
		if (k->len < SECRET_SHORT) {
			memset(out, 'x', n);
			continue;
		}
		while ((hit = memmem(hit, (size_t)(s + n - hit), k->value, k->len)) != NULL) {
			memset(out + (hit - s), 'x', k->len);
			hit++;
		}
	}
	return out;
}

static bool arguments_hold_any(char *const *argv)
{
	if (!control_active(CONTROL_CHILD_ARGUMENTS))
		return false;
	for (; argv && *argv; argv++)
		if (text_holds_any(*argv, strlen(*argv)))
			return true;
	return false;
}

static int redact_arguments(const struct exec_image *in, struct room *room, struct exec_image *out)
{
	size_t n = strings_count(in->argv);
	char **argv;

	out->argv = in->argv;
	if (!arguments_hold_any(in->argv))
		return 0;
	argv = room_take(room, (n + 1) * sizeof(*argv));
	if (!argv)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(in->argv[i]);

		argv[i] = text_holds_any(in->argv[i], len) ? argument_mask(in->argv[i], len, room)
							   : in->argv[i];
		if (!argv[i])
			return -1;
	}
	argv[n] = NULL;
	out->argv = argv;
	return 0;
}

size_t redact_child_size(const struct exec_image *in)
{
	size_t size = environment_room(strings_count(in->envp)) * sizeof(char *);

	if (arguments_hold_any(in->argv)) {
		size += (strings_count(in->argv) + 1) * sizeof(char *);
		for (char *const *a = in->argv; *a; a++)
			if (text_holds_any(*a, strlen(*a)))
				size += strlen(*a) + 1;
	}
	if (in->path && text_holds_any(in->path, strlen(in->path)))
		size += strlen(in->path) + 1;
	return size;
}

int redact_child(const struct exec_image *in, void *mem, size_t size, struct exec_image *out)
{
	struct room room = { .at = mem, .left = size };

	*out = *in;
	if (redact_environment(in, &room, out) != 0 || redact_arguments(in, &room, out) != 0)
		return -1;
	if (in->path && text_holds_any(in->path, strlen(in->path))) {
		out->path = argument_mask(in->path, strlen(in->path), &room);
		if (!out->path)
			return -1;
	}
	return 0;
}
