/*
 * tests/fuzz/fuzz_wire.c - a packet, read as the broker, the clients and the
 * library read one.
 *
 * What is checked besides memory: what the first look lets through is what the
 * second one reads, no packet is of both kinds, a member has one type and lies
 * inside the packet, a policy that was read is written and read again the same,
 * whatever the claim's reader accepts lies inside the packet.
 *
 * Targets: wire/check.c wire/claim.h wire/unpack.c wire/policy.c wire/names.c
 *	shim/preload/broker_messages.c
 */
#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "shim/preload/broker_messages.h"
#include "tests/fuzz/fuzz.h"
#include "wire/check.h"
#include "wire/claim.h"
#include "wire/limits.h"
#include "wire/names.h"
#include "wire/pack.h"
#include "wire/unpack.h"
#include "wire/policy.h"

static void read_policy(const char *text)
{
	char out[POLICY_MAX_LEN + 1], again[POLICY_MAX_LEN + 1];
	struct policy p;

	if (policy_parse(&p, text, NULL) != 0)
		return;
	policy_format(&p, out, sizeof(out));
	MUST(policy_parse(&p, out, NULL) == 0);
	policy_format(&p, again, sizeof(again));
	MUST(strcmp(out, again) == 0);
}

static void read_map(struct wire_map m, const uint8_t *packet, size_t size, int depth)
{
	static const char *const keys[] = {
		"v",	   "op",       "ok",	  "error",   "message",	   "hint",     "provider",
		"mode",	   "delivery", "strict",  "entries", "name",	   "variable", "origin",
		"policy",  "replace",  "token",	  "slot",    "kind",	   "label",    "alg",
		"ops",	   "mem",      "salt",	  "key",     "generation", "material", "expect",
		"keyfile", "keys",     "id",	  "at",	     "part",	   "size",     "rekey",
		"why",	   "idle",     "longest", "suspend", "screen",	   "logout",   "k0",
		"k29",	   "confine",  ""
	};
	char text[ORIGIN_MAX_LEN + 1];
	struct wire_map item;
	const uint8_t *bin;
	unsigned i, j, count;
	uint64_t u;
	size_t n;
	bool b;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct failure f = { 0 };
		int kinds = 0;

		if (!wire_has(m, keys[i])) {
			MUST(wire_get_text(m, keys[i], text, sizeof(text), &f) != 0 && f.what[0]);
			continue;
		}
		if (wire_get_text(m, keys[i], text, sizeof(text), &f) == 0) {
			MUST(strlen(text) < sizeof(text));
			wire_name_ok(text);
			wire_variable_ok(text);
			if (wire_carrier_ok(text))
				MUST(!wire_carriers_collide(text, "header:x-other") ||
				     wire_carrier_header(text));
			read_policy(text);
			kinds++;
		} else {
			MUST(f.code != FAIL_NONE && f.what[0]);
		}
		kinds += wire_get_uint(m, keys[i], &u, &f) == 0;
		kinds += wire_get_bool(m, keys[i], &b, &f) == 0;
		if (wire_get_bin(m, keys[i], &bin, &n, &f) == 0) {
			MUST(bin >= packet && bin + n <= packet + size);
			wire_token_check(bin, n, &f);
			kinds++;
		}
		if (wire_get_array(m, keys[i], &count, &f) == 0) {
			for (j = 0; j < count && j < 8 && depth < WIRE_DEPTH_MAX; j++)
				if (wire_get_item(m, keys[i], j, &item, &f) == 0)
					read_map(item, packet, size, depth + 2);
			MUST(wire_get_item(m, keys[i], count, &item, &f) != 0);
			kinds++;
		}
		MUST(kinds <= 1);
	}
}

/* Whatever the claim's reader accepts lies inside the packet. */
static void read_fixed(const uint8_t *p, size_t n)
{
	struct claim_item item[SESSION_ENTRIES_MAX];
	struct claim_text what, hint;
	struct refusal why = { .text = "" };
	int i, count = claim_get_items(p, n, item, SESSION_ENTRIES_MAX);

	MUST(count <= SESSION_ENTRIES_MAX);
	for (i = 0; i < count; i++) {
		MUST(item[i].name.p > (const char *)p && item[i].name.n > 0 && item[i].value.n > 0);
		MUST(item[i].value.p + item[i].value.n <= (const char *)p + n);
	}
	/* The library's own look: as many items, or words. */
	MUST(broker_read_items(p, n, item, SESSION_ENTRIES_MAX, &why) == count);
	MUST(count >= 0 || claim_type(p, n) == CLAIM_REFUSED || why.text[0]);
	MUST(memchr(why.text, 0, sizeof(why.text)) && memchr(why.hint, 0, sizeof(why.hint)));
	MUST(count == 0 || broker_check_ok(p, n, &why) != 0);
	if (claim_get_refusal(p, n, &what, &hint) == 0)
		MUST(count < 0 && hint.p + hint.n == (const char *)p + n &&
		     what.p + what.n < hint.p);
}

static void read_packet(const uint8_t *p, size_t n)
{
	struct failure f = { 0 };
	struct wire_in in;
	int checked = wire_check(p, n, &f), type = claim_type(p, n);

	MUST(checked == 0 || f.code != FAIL_NONE);
	MUST(type < 0 || (n >= CLAIM_HEAD && checked != 0)); /* never both kinds */
	f.code = FAIL_NONE;
	read_fixed(p, n);
	if (wire_parse(&in, p, n, &f) == 0) {
		MUST(checked == 0);
		fuzz_understood++;
		read_map(in.top, p, n, 0);
	} else {
		MUST(in.zone == NULL);
		/* What the check passed, msgpack-c reads. */
		MUST(checked != 0 || f.code == FAIL_WRONG_TYPE || f.code == FAIL_NEWER);
	}
	wire_in_free(&in);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(fuzz_at_exit);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	fuzz_inputs++;
	read_packet(p, n);
	return 0;
}
