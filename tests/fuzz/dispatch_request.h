/*
 * tests/fuzz/dispatch_request.h - requests for fuzz_dispatch.c: each as a client would send it,
 * with as many fields changed, added or left out as an input says.
 *
 * A request is a line of requests[]: its op and its fields' names in fields[].  A field has a
 * pool of values, of which the first is the usual one.
 */
#ifndef CCRUN_TESTS_FUZZ_DISPATCH_REQUEST_H
#define CCRUN_TESTS_FUZZ_DISPATCH_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "vault/keyfile.h"
#include "vault/limits.h"
#include "wire/limits.h"

/* No answer may have these but where a token is given. */
#define SECRET_MARK "SECRETTOKEN"
#define KEY_BYTE 0xb7 /* slot 1's key has nothing else */

#define FOREIGN 120 /* choices from here on are of another type, or an input's own bytes */
#define LEFT_OUT 255

/* ---- the input ---- */

static struct {
	const uint8_t *p;
	size_t n;
} script;

/* 0 to n - 1; 0 where the input has ended. */
static unsigned script_choice(unsigned n)
{
	if (script.n == 0)
		return 0;
	script.n--;
	return *script.p++ % n;
}

static size_t script_bytes(const uint8_t **p)
{
	size_t n = script_choice(256);

	n = n < script.n ? n : script.n;
	*p = script.p;
	script.p += n;
	script.n -= n;
	return n;
}

/* ---- what the broker has told ---- */

enum told { TOLD_TICKET, TOLD_SESSION, TOLD_LAUNCH, TOLD_KINDS };
#define TOLD_KEPT 4
static char told[TOLD_KINDS][TOLD_KEPT][64];

static void told_keep(enum told kind, const char *text)
{
	memmove(told[kind][1], told[kind][0], sizeof(told[kind][0]) * (TOLD_KEPT - 1));
	snprintf(told[kind][0], sizeof(told[kind][0]), "%.63s", text);
}

/* The vault that each input begins with, and parts of one that was handed out. */
static uint8_t vault_file[VAULT_FILE_MAX];
static size_t vault_file_n;
/* Sealed to this host: the first with the key of slot 1, the second with slot 2's; the last is damaged. */
static uint8_t keyfiles[3][KEYFILE_LEN];
static uint8_t told_part[WIRE_PACKET_MAX];
static size_t told_part_n;

/* ---- msgpack ---- */

static struct {
	uint8_t p[2 * WIRE_PACKET_MAX];
	size_t n;
} message;

static void pack_byte(unsigned c)
{
	message.p[message.n++] = (uint8_t)c;
}

static void pack_number(uint64_t v, unsigned bytes)
{
	while (bytes-- > 0)
		pack_byte((unsigned)(v >> 8 * bytes & 0xff));
}

static void pack_bytes(const void *p, size_t n)
{
	if (message.n + n > sizeof(message.p) / 2)
		n = 0;
	if (n > 0)
		memcpy(message.p + message.n, p, n);
	message.n += n;
}

static void pack_text(const char *text)
{
	size_t n = strlen(text);

	pack_byte(0xda);
	pack_number(n, 2);
	pack_bytes(text, n);
}

static void pack_bin(const void *p, size_t n)
{
	if (message.n + 3 + n > sizeof(message.p) / 2)
		n = 0;
	pack_byte(0xc5);
	pack_number(n, 2);
	pack_bytes(p, n);
}

static void pack_uint(uint64_t v)
{
	pack_byte(0xcf);
	pack_number(v, 8);
}

static void pack_bool(bool v)
{
	pack_byte(v ? 0xc3 : 0xc2);
}

static void pack_array(unsigned n)
{
	pack_byte(0x90 + n);
}

static void pack_map(unsigned n)
{
	pack_byte(0x80 + n);
}

static void pack_pair(const char *key, const char *text)
{
	pack_text(key);
	pack_text(text);
}

/* ---- pools ---- */

enum pool {
	POOL_NAME,
	POOL_ORIGIN,
	POOL_VARIABLE,
	POOL_POLICY,
	POOL_TEXT,
	POOL_LIMIT,
	POOL_CONFIRM,
	POOL_DELIVERY,
	POOL_WHY,
	POOL_CONFINE,
	POOL_KIND,
	POOL_FILE_KIND,
	POOL_REFERENCE,
	POOL_COMMAND,
	POOL_MODEL,
	POOL_CAUSE,
	POOL_PROXY,
	POOLS, /* of texts */
	A_BOOL = POOLS,
	A_YES,
	A_NUMBER, /* the choice itself */
	A_SIZE,
	A_TOKEN,
	A_KEY,
	A_SLOT,
	A_ENTRIES,
	A_IMAGE,
	A_PRICES,
	A_NAMES,
	A_ITEMS,
	A_PART,
	A_KEYFILE,
	A_KEYS,
	AN_ENV,
	A_TOLD_TICKET,
	A_TOLD_SESSION,
	A_TOLD_LAUNCH
};

#define POOL_SIZE 16
#define TEAM 6 /* whose variable is a header */
/* The order of names is that of policies: fixture_make. */
static const char *const pools[POOLS][POOL_SIZE] = {
	[POOL_NAME] = { "zai", "nest", "pass", "lim", "ask", "keep", "team", "src", "new", "none",
			"bad name", "", "zai2" },
	[POOL_POLICY] = { "delivery=auto nested=use strict=no exposed=no linger=60",
			  "delivery=auto nested=allow strict=no exposed=no",
			  "delivery=env nested=deny strict=no exposed=yes confine=off",
			  "delivery=relay nested=deny strict=no exposed=no limit=200/month",
			  "delivery=auto nested=deny strict=no exposed=no confirm=session",
			  "delivery=pipe nested=deny strict=no exposed=no keep=yes ttl=60",
			  "delivery=auto nested=use strict=yes exposed=no", "",
			  "delivery=auto nested=deny strict=no exposed=no ttl=60 confirm=first",
			  "delivery=any", "config_dir=~/.claude",
			  "env=00112233445566778899aabbccddeeff",
			  "ttl=0 linger=999999999 keep=no" },
	[POOL_ORIGIN] = { "bearer https://api.z.ai/api/anthropic",
			  "bearer https://API.z.ai/api/anthropic/v1/",
			  "x-api-key https://api.anthropic.com", "unbound",
			  "bearer http://127.0.0.1:9", "", "bearer", "vertex https://x/v1" },
	[POOL_VARIABLE] = { "ANTHROPIC_AUTH_TOKEN", "header:x-team", "header:x-b:Bearer",
			    "ANTHROPIC_API_KEY", "LD_PRELOAD", "OTHER", "",
			    "header:", "header:a:" },
	[POOL_TEXT] = { "zai", "", "~/.claude", "/home/me/project", "models", "\x7f", "\n",
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"a" },
	[POOL_LIMIT] = { "off", "500k/hour", "$0.50/hour", "200/month 1.5M/day", "1/hour",
			 "1k/hour", "no", "$0.01/day 1k/week 1/month" },
	[POOL_CONFIRM] = { "no", "first", "session", "always" },
	[POOL_DELIVERY] = { "relay", "preload", "pipe", "env", "auto", "no" },
	[POOL_WHY] = { "request", "suspend", "screen", "logout", "idle" },
	[POOL_CONFINE] = { "auto", "on", "off", "no" },
	[POOL_KIND] = { "zai", "anthropic", "deepseek", "openrouter", "moonshot", "no" },
	[POOL_FILE_KIND] = { "ca", "cert", "key", "no" },
	[POOL_REFERENCE] = { "pass:zai", "op://a/b/c", "x" },
	[POOL_COMMAND] = { "pass show zai", "op read op://a/b/c", "x" },
	[POOL_MODEL] = { "claude-a", "claude-b", "", "m m" },
	[POOL_CAUSE] = { "network", "missing", "unauthorized", "tls", "too-large", "no" },
	[POOL_PROXY] = { "", "http://127.0.0.1:8080", "https://u:p@proxy", "localhost,.test" },
};

static const struct {
	const char *alias, *key; /* what a line of requests[] says, and the message */
	enum pool pool;
} fields[] = {
	{ "name", "name", POOL_NAME },
	{ "to", "to", POOL_NAME },
	{ "origin", "origin", POOL_ORIGIN },
	{ "variable", "variable", POOL_VARIABLE },
	{ "policy", "policy", POOL_POLICY },
	{ "replace", "replace", A_BOOL },
	{ "token", "token", A_TOKEN },
	{ "source", "source", POOL_REFERENCE },
	{ "command", "command", POOL_COMMAND },
	{ "pick", "pick", POOL_TEXT },
	{ "key", "key", A_KEY },
	{ "slot", "slot", A_NUMBER },
	{ "slot[]", "slot", A_SLOT },
	{ "number", "id", A_NUMBER },
	{ "launch", "id", A_TOLD_LAUNCH },
	{ "expect", "expect", A_NUMBER },
	{ "generation", "generation", A_NUMBER },
	{ "keys", "keys", A_KEYS },
	{ "keyfile", "keyfile", A_KEYFILE },
	{ "at", "at", A_SIZE },
	{ "part", "part", A_PART },
	{ "rekey", "rekey", A_BOOL },
	{ "old", "old", A_BOOL },
	{ "why", "why", POOL_WHY },
	{ "uid", "uid", A_NUMBER },
	{ "all", "all", A_BOOL },
	{ "delays", "delays", A_BOOL },
	{ "kind", "kind", POOL_KIND },
	{ "file", "kind", POOL_FILE_KIND },
	{ "idle", "idle", A_SIZE },
	{ "longest", "longest", A_SIZE },
	{ "suspend", "suspend", A_BOOL },
	{ "screen", "screen", A_BOOL },
	{ "logout", "logout", A_BOOL },
	{ "durable", "durable", A_BOOL },
	{ "after", "after", POOL_PROXY }, /* the first is empty */
	{ "page", "after", A_SIZE },
	{ "limit", "limit", POOL_LIMIT },
	{ "from", "from", A_SIZE },
	{ "since", "since", A_SIZE },
	{ "names", "names", A_NAMES },
	{ "expires", "expires", A_SIZE },
	{ "message", "message", POOL_TEXT },
	{ "hint", "hint", POOL_TEXT },
	{ "provider", "provider", POOL_TEXT },
	{ "mode", "mode", POOL_TEXT },
	{ "delivery", "delivery", POOL_DELIVERY },
	{ "strict", "strict", A_BOOL },
	{ "confine", "confine", POOL_CONFINE },
	{ "config_dir", "config_dir", POOL_TEXT },
	{ "env", "env", AN_ENV },
	{ "ticket", "ticket", A_TOLD_TICKET },
	{ "background", "background", A_BOOL },
	{ "project", "project", POOL_TEXT },
	{ "confirm", "confirm", POOL_CONFIRM },
	{ "program", "program", POOL_TEXT },
	{ "purpose", "purpose", POOL_TEXT },
	{ "prices", "prices", A_PRICES },
	{ "entries", "entries", A_ENTRIES },
	{ "roots", "roots", POOL_PROXY }, /* likewise */
	{ "image", "image", A_IMAGE },
	{ "agreed", "agreed", A_BOOL },
	{ "proxy", "proxy", POOL_PROXY },
	{ "no_proxy", "no_proxy", POOL_PROXY },
	{ "session", "session", A_TOLD_SESSION },
	{ "own", "own", A_BOOL },
	{ "items", "items", A_ITEMS },
	{ "error", "error", POOL_CAUSE },
	{ "retry", "retry", A_SIZE },
	/* of a relay */
	{ "model", "model", POOL_MODEL },
	{ "bytes", "bytes", A_SIZE },
	{ "sent", "sent", A_SIZE },
	{ "output", "output", A_SIZE },
	{ "input", "input", A_SIZE },
	{ "cache_read", "cache_read", A_SIZE },
	{ "cache_write", "cache_write", A_SIZE },
	{ "cost", "cost", A_SIZE },
	{ "status", "status", A_SIZE },
	{ "complete", "complete", A_YES },
	{ "billed", "billed", A_YES },
	{ "surcharged", "surcharged", A_BOOL },
	{ "body", "body", A_PART },
	{ "what", "what", POOL_TEXT },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

#define OPEN_FIELDS "provider mode delivery strict entries roots"
static const char *const requests[] = {
	"hello",
	"status",
	"slots",
	"slot number",
	"host",
	"record at",
	"init slot[] key",
	"unlock slot key",
	"reopen",
	"person slot key",
	"lock why",
	"watch kind",
	"settings",
	"set idle longest suspend screen logout durable",
	"slot-add slot[] key expect",
	"slot-rm number",
	"slot-replace number slot[] key expect",
	"rekey keys",
	"keyfile keyfile",
	"backup slot[] key",
	"export",
	"part at",
	"stage at part",
	"restore slot key replace rekey",
	"retire generation",
	"put name origin variable policy replace token",
	"put name origin variable policy replace source command pick",
	"get name",
	"match name token",
	"rm name",
	"rename name to",
	"approve name origin variable policy",
	"approve name origin variable policy source command pick",
	"list after",
	"image name",
	"image-forget name",
	"limit name",
	"limit-set name limit",
	"spent from",
	"spent-today name",
	"source-take name",
	"source-put name token",
	"source-put name token expires",
	"source-wait names",
	"source-fail name message hint",
	"open " OPEN_FIELDS,
	"open " OPEN_FIELDS " ticket",
	"open " OPEN_FIELDS " image agreed",
	"open " OPEN_FIELDS
	" confine config_dir env background project confirm program purpose prices",
	"keyless provider entries",
	"relay-file file",
	"relay proxy no_proxy",
	"confirm-wait",
	"confirmations",
	"confirm launch",
	"confirm-deny launch",
	"confirm-set name confirm",
	"sessions page",
	"session-end session",
	"pipe",
	"usage-next name kind",
	"usage-next own name",
	"usage-put items",
	"usage-put error retry",
	"usage name",
	"no-such-request name",
	"slot-add slot[] key expect keyfile",
	"rekey keys keyfile",
};
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

/* What a relay says. */
#define USE_FIELDS "number model status complete billed surcharged bytes sent"
static const char *const relay_messages[] = {
	"value",
	"renew",
	"reserve number model bytes",
	"passing number sent output",
	"use " USE_FIELDS " input output cache_read cache_write",
	"use " USE_FIELDS " cost",
	"fetched number status retry body",
	"fetched number error",
	"refusal what",
	"failure what",
	"no-such-message",
};
#define RELAY_MESSAGES (sizeof(relay_messages) / sizeof(relay_messages[0]))

/* ---- values ---- */

static void put_size(unsigned choice)
{
	static const uint64_t sizes[] = { 0,	 1,	200,	60,	 1000,	     16000,
					  47999, 48000, 100000, 1000000, 4294967295, UINT64_MAX };

	pack_uint(sizes[choice % (sizeof(sizes) / sizeof(sizes[0]))]);
}

static void put_token(unsigned choice)
{
	static char text[TOKEN_MAX + 2];

	memset(text, 't', sizeof(text));
	snprintf(text, sizeof(text), SECRET_MARK "-%04u", choice);
	if (choice == 8)
		pack_bin(text, 7);
	else if (choice == 9)
		pack_bin("\x80\x80\x80\x80\x80\x80\x80\x80\x80", 9);
	else if (choice >= 10 && choice < 13)
		pack_bin(memset(text, 't', sizeof(text)), TOKEN_MAX - 1 + (choice - 10));
	else
		pack_bin(text, strlen(text));
}

static void put_key(unsigned choice)
{
	uint8_t key[KEY_LEN + 1];

	memset(key, KEY_BYTE + (int)(choice % 3), sizeof(key));
	pack_bin(key, choice < 3 ? KEY_LEN : KEY_LEN + 1 - choice % 3);
}

static void put_slot(unsigned choice)
{
	static const char *const kinds[] = { "passphrase", "recovery",	 "keyring", "keyfile",
					     "tpm2",	   "credential", "no" };
	const char *kind = kinds[choice % 7];
	uint8_t salt[16] = { 1 };

	pack_array(1);
	pack_map(choice % 7 == 0 ? 6 : choice % 7 == 3 || choice % 7 == 4 ? 3 : 2);
	pack_pair("kind", kind);
	pack_pair("label", choice < 7 ? "first" : "");
	if (choice % 7 == 0) {
		pack_text("alg");
		pack_uint(2);
		pack_text("ops");
		pack_uint(choice < 7 ? 1 : choice);
		pack_text("mem");
		pack_uint(8 << 20);
		pack_text("salt");
		pack_bin(salt, sizeof(salt));
	} else if (choice % 7 == 3 || choice % 7 == 4) {
		pack_text("material");
		pack_bin(vault_file, choice % 7 == 3 ? 32 : 100);
	}
}

/* Bits 0 to 2: the name; bit 3: and the team's; bit 4: another variable; bit 5: another origin. */
static void put_entries(unsigned choice)
{
	unsigned n = choice & 8 ? 2 : 1, i, name;

	pack_array(n);
	for (i = 0; i < n; i++) {
		name = i == 0 ? choice & 7 : TEAM;
		pack_map(3);
		pack_pair("name", pools[POOL_NAME][name]);
		pack_pair("variable", pools[POOL_VARIABLE][(choice & 16 ? 1 : 0) + (name == TEAM)]);
		pack_pair("origin", pools[POOL_ORIGIN][choice & 32 ? 2 : 0]);
	}
}

static void put_image(unsigned choice)
{
	bool script_file = choice & 4;

	pack_array(1);
	pack_map(script_file ? 9 : 6);
	pack_pair("name", "claude");
	pack_pair("path", choice & 8 ? "claude" : "/usr/bin/claude");
	pack_pair("file", choice & 2 ? "/opt/x/claude" : "/usr/lib/claude/1");
	pack_text("owner");
	pack_uint(choice & 16 ? 7 : 0);
	pack_pair("identity", choice & 1 ? "1:2.3" : "1:2.4+5");
	pack_pair("digest", choice & 32 ? ""
					: "00112233445566778899aabbccddeeff"
					  "00112233445566778899aabbccddeeff");
	if (script_file) {
		pack_pair("interpreter", "/usr/bin/node");
		pack_pair("interpreter_file", "/usr/bin/node20");
		pack_text("interpreter_owner");
		pack_uint(0);
	}
}

static void put_prices(unsigned choice)
{
	unsigned i, n = choice % 4;

	pack_array(n);
	for (i = 0; i < n; i++) {
		pack_map(3);
		pack_pair("model", choice & 4 ? "claude-*" : pools[POOL_MODEL][i]);
		pack_text("input");
		pack_uint(choice & 8 ? 10000000000 : 3000000);
		pack_text("output");
		pack_uint(choice & 16 ? UINT64_MAX : 15000000);
	}
}

static void put_names(unsigned choice)
{
	unsigned i, n = choice & 8 ? 1 + (choice >> 4) : 1;

	pack_array(n);
	for (i = 0; i < n; i++) {
		pack_map(1);
		pack_pair("name", pools[POOL_NAME][(7 + choice + i) % 8]);
	}
}

static void put_items(unsigned choice)
{
	unsigned i, n = choice % 10;

	pack_array(n);
	for (i = 0; i < n; i++) {
		pack_map(choice & 16 ? 5 : 2);
		pack_pair("label", choice & 32 ? "5h" : "bal");
		pack_text("percent");
		pack_uint(choice & 64 ? 1000001 : 5000);
		if (choice & 16) {
			pack_pair("amount", "-12.50");
			pack_pair("currency", "USD");
			pack_text("reset");
			pack_uint(2000000000);
		}
	}
}

static void put_part(unsigned choice)
{
	const uint8_t *p = choice & 1 ? told_part : vault_file;
	size_t n = choice & 1 ? told_part_n : vault_file_n;

	n = n < 48000 ? n : 48000;
	pack_bin(p, choice & 2 ? n / 2 : n);
}

static void put_keys(unsigned choice)
{
	uint8_t keys[3 * (4 + KEY_LEN)] = { 0 };
	unsigned i, n = choice % 3 + 1;

	for (i = 0; i < n; i++) {
		keys[i * (4 + KEY_LEN)] = (uint8_t)(i + 1 + (choice >> 4));
		memset(keys + i * (4 + KEY_LEN) + 4, KEY_BYTE + (int)i, KEY_LEN);
	}
	pack_bin(keys, n * (4 + KEY_LEN) - (choice & 8 ? 1 : 0));
}

static void put_env(unsigned choice)
{
	static const char *const texts[] = {
		"",    "A=b\n",	    "A=b\nB=c\nheader:x-a=1\n", "header:x-a=1\nheader:x-b=2\n",
		"A\n", "B=1\nA=1\n"
	};
	const char *text = texts[choice % 6];

	pack_bin(text, strlen(text));
}

/* Of another type than it should be, or with the input's own bytes. */
static void put_foreign(unsigned choice)
{
	const uint8_t *p;
	size_t n;

	switch (choice % 6) {
	case 0:
		pack_bool(choice & 8);
		return;
	case 1:
		put_size(choice);
		return;
	case 2:
		n = script_bytes(&p);
		pack_byte(0xda);
		pack_number(n, 2);
		pack_bytes(p, n);
		return;
	case 3:
		n = script_bytes(&p);
		pack_bin(p, n);
		return;
	case 4:
		put_entries(choice);
		return;
	default:
		pack_array(0);
	}
}

static void put_value(enum pool pool, unsigned choice)
{
	if (choice >= FOREIGN) {
		put_foreign(choice);
		return;
	}
	switch (pool) {
	case A_BOOL:
	case A_YES:
		pack_bool((choice & 1) != (pool == A_YES));
		break;
	case A_NUMBER:
		pack_uint(choice + 1);
		break;
	case A_SIZE:
		put_size(choice);
		break;
	case A_TOKEN:
		put_token(choice);
		break;
	case A_KEY:
		put_key(choice);
		break;
	case A_SLOT:
		put_slot(choice);
		break;
	case A_ENTRIES:
		put_entries(choice);
		break;
	case A_IMAGE:
		put_image(choice);
		break;
	case A_PRICES:
		put_prices(choice);
		break;
	case A_NAMES:
		put_names(choice);
		break;
	case A_ITEMS:
		put_items(choice);
		break;
	case A_PART:
		put_part(choice);
		break;
	case A_KEYFILE:
		pack_bin(keyfiles[choice % 3], KEYFILE_LEN - (choice >= 100));
		break;
	case A_KEYS:
		put_keys(choice);
		break;
	case AN_ENV:
		put_env(choice);
		break;
	case A_TOLD_TICKET:
	case A_TOLD_SESSION:
	case A_TOLD_LAUNCH:
		pack_text(told[pool - A_TOLD_TICKET][choice % TOLD_KEPT]);
		break;
	default:
		for (; choice > 0 && !pools[pool][choice % POOL_SIZE]; choice /= 2)
			;
		pack_text(pools[pool][choice % POOL_SIZE]);
	}
}

/* ---- a message ---- */

struct message_field {
	unsigned field, choice;
};

static unsigned field_find(const char *alias, size_t n)
{
	unsigned i;

	for (i = 0; strlen(fields[i].alias) != n || memcmp(fields[i].alias, alias, n) != 0; i++)
		MUST(i + 1 < FIELDS);
	return i;
}

/* Fields of a line of requests[], with those that the input changes; how many. */
static unsigned message_choose(const char *line, struct message_field out[], unsigned changes)
{
	unsigned n = 0, i, field, choice;
	const char *p = line + strcspn(line, " ");
	size_t len;

	for (; *p; p += len) {
		p++;
		len = strcspn(p, " ");
		out[n++] = (struct message_field){ field_find(p, len), 0 };
	}
	while (changes-- > 0) {
		field = script_choice(FIELDS);
		choice = script_choice(256);
		for (i = 0; i < n && out[i].field != field; i++)
			;
		out[i] = (struct message_field){ field, choice };
		n += i == n;
	}
	return n;
}

#define CHANGES_MAX 4

/* The next packet: this message, and what the input changes of it. */
static void message_make(const char *line)
{
	struct message_field chosen[16 + CHANGES_MAX];
	unsigned n = message_choose(line, chosen, script_choice(CHANGES_MAX + 1)), i, written = 2;
	char op[32];

	snprintf(op, sizeof(op), "%.*s", (int)strcspn(line, " "), line);
	for (i = 0; i < n; i++)
		written += chosen[i].choice != LEFT_OUT;
	message.n = 0;
	pack_byte(0xde);
	pack_number(written, 2);
	pack_text("v");
	pack_uint(1);
	pack_pair("op", op);
	for (i = 0; i < n; i++)
		if (chosen[i].choice != LEFT_OUT) {
			pack_text(fields[chosen[i].field].key);
			put_value(fields[chosen[i].field].pool, chosen[i].choice);
		}
}

#endif
