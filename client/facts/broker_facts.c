/*
 * client/facts/broker_facts.c - asking the broker, and the kernel about it.
 */
#include "client/facts/broker_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/sock.h"
#include "client/common/connection.h"

/* A broker that was started before the last upgrade does not say all of it. */
static int broker_read_later_keys(struct wire_map m, struct broker_facts *s, struct failure *f)
{
	const struct {
		const char *key;
		uint64_t *number;
	} numbers[] = {
		{ "relays", &s->relays },   { "locked_at", &s->locked_at },
		{ "kept", &s->kept },	    { "asleep", &s->asleep },
		{ "waiting", &s->waiting }, { "landlock", &s->landlock },
	};
	const struct {
		const char *key;
		char *text;
		size_t size;
	} texts[] = {
		{ "why", s->why, sizeof(s->why) },
		{ "relay", s->relay, sizeof(s->relay) },
		{ "record", s->record, sizeof(s->record) },
	};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (wire_has(m, numbers[i].key) &&
		    wire_get_uint(m, numbers[i].key, numbers[i].number, f) != 0)
			return -1;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (wire_has(m, texts[i].key) &&
		    wire_get_text(m, texts[i].key, texts[i].text, texts[i].size, f) != 0)
			return -1;
	s->has_landlock = wire_has(m, "landlock");
	if (wire_has(m, "watched") && wire_get_bool(m, "watched", &s->watched, f) != 0)
		return -1;
	s->delays = s->watched;
	return wire_has(m, "delays") ? wire_get_bool(m, "delays", &s->delays, f) : 0;
}

static int broker_read_reply(struct wire_map m, struct broker_facts *s, struct failure *f)
{
	char state[16];

	if (wire_get_text(m, "state", state, sizeof(state), f) != 0 ||
	    wire_get_text(m, "broker", s->kind, sizeof(s->kind), f) != 0 ||
	    wire_get_text(m, "version", s->version, sizeof(s->version), f) != 0 ||
	    wire_get_text(m, "vault", s->vault, sizeof(s->vault), f) != 0 ||
	    wire_get_uint(m, "pid", &s->pid, f) != 0 ||
	    wire_get_uint(m, "started", &s->started, f) != 0 ||
	    wire_get_uint(m, "memory_size", &s->memory_size, f) != 0 ||
	    wire_get_uint(m, "memory_used", &s->memory_used, f) != 0 ||
	    wire_get_uint(m, "sessions", &s->sessions, f) != 0 ||
	    wire_get_uint(m, "releases", &s->releases, f) != 0 ||
	    wire_get_bool(m, "memory_locked", &s->memory_locked, f) != 0 ||
	    wire_get_bool(m, "undumpable", &s->undumpable, f) != 0 ||
	    wire_get_bool(m, "untraced", &s->untraced, f) != 0 ||
	    wire_get_bool(m, "caged", &s->caged, f) != 0 || broker_read_later_keys(m, s, f) != 0)
		return -1;
	s->state = strcmp(state, "none") == 0	  ? "no-vault"
		   : strcmp(state, "locked") == 0 ? "locked"
						  : "unlocked";
	return 0;
}

/* The number after a key in the text of /proc/PID/status; 0 without that key. */
static uint64_t proc_field(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Verify with the kernel what the broker says of itself. */
static void broker_ask_kernel(struct broker_facts *s, pid_t pid)
{
	struct proc_stat st;
	char path[64], *text = NULL;
	size_t n;

	s->undumpable = s->undumpable && proc_stat(pid, &st) == 0 && st.owner == 0;
	s->untraced = s->untraced && proc_tracer(pid) == 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (io_slurp(path, 16384, &text, &n, NULL) != 0) {
		s->memory_locked = s->caged = false;
		return;
	}
	s->kernel_locked = proc_field(text, "\nVmLck:");
	s->memory_locked = s->memory_locked && s->kernel_locked >= s->memory_size / 1024;
	s->caged = s->caged && proc_field(text, "\nSeccomp:") == 2;
	free(text);
}

int broker_facts_read(struct client *c, struct broker_facts *s, struct failure *f)
{
	pid_t pid;
	uid_t uid;

	s->marked = proc_self_marked();
	if (client_connect(c, false, f) != 0) {
		if (f->code == FAIL_NO_BROKER) {
			s->system_down = dial_system_down();
			if (s->system_down && !user_vault_file_exists()) {
				s->state = "no-broker";
				snprintf(s->vault, sizeof(s->vault),
					 SYSTEM_STATE_DIR "/vaults/%u/vault", (unsigned)getuid());
				return 0;
			}
			s->state = user_vault_file_exists() ? "no-broker" : "no-vault";
			return path_of(PATH_DATA, "vault", s->vault, f);
		}
		/* The socket belongs to another program: name its process. */
		if (f->code == FAIL_PEER && sock_peer(c->dial.fd, &pid, &uid) == 0)
			fail_hint(f, "process %d (uid %u) holds %s; end it, then ccctl unlock",
				  (int)pid, (unsigned)uid, c->dial.path);
		return -1;
	}
	if (client_call(c, wire_request("status"), f) != 0 ||
	    broker_read_reply(c->dial.in.top, s, f) != 0)
		return -1;
	s->running = true;
	snprintf(s->socket, sizeof(s->socket), "%s", c->dial.path);
	s->runtime_ignored = !c->dial.system && path_runtime_ignored();
	/* From the socket's credentials, not from the reply. */
	s->pid = (uint64_t)c->dial.broker;
	broker_ask_kernel(s, c->dial.broker);
	/* Inside a session the broker refuses this request. */
	if (!s->marked && strcmp(s->state, "no-vault") != 0 &&
	    client_call(c, wire_request("slots"), NULL) == 0)
		wire_get_array(c->dial.in.top, "slots", &s->slots, NULL);
	return 0;
}
