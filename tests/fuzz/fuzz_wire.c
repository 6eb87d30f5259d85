/*
 * tests/fuzz/fuzz_wire.c - damaged packets through everything that reads one.
 *
 *   fuzz_wire SECONDS [FIRST]
 *
 * Starts from valid messages, damages them in ways that come from a fixed
 * sequence (packet number N is the same in every run; FIRST begins there), and
 * reads the result as the broker, the clients and the library do.  Built with
 * the sanitizers; what it checks itself aborts with the packet's number.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/sock.h"
#include "wire/check.h"
#include "wire/claim.h"
#include "wire/limits.h"
#include "wire/message.h"
#include "wire/policy.h"

#define SEEDS 24
#define ROOM (WIRE_PACKET_MAX + 64) /* a packet may grow over the limit */

static struct seed {
	uint8_t p[4096];
	size_t n;
} seeds[SEEDS];
static unsigned seed_count;

static uint64_t number; /* of the packet at hand */
static uint64_t well_formed;

/* splitmix64: any number begins a good sequence. */
static uint64_t rnd_state;

static uint64_t rnd(void)
{
	uint64_t z = rnd_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t below(size_t n)
{
	return n ? (size_t)(rnd() % n) : 0;
}

#define MUST(c)                                                                                      \
	do {                                                                                         \
		if (!(c)) {                                                                          \
			fprintf(stderr, "fuzz_wire: packet %llu: %s\n", (unsigned long long)number,  \
				#c);                                                                 \
			abort();                                                                     \
		}                                                                                    \
	} while (0)

/* ---- what to begin with ---- */

static void add_seed(struct wire_out *o)
{
	struct seed *s = &seeds[seed_count++];
	int fds[2];
	ssize_t n = -1;

	MUST(seed_count <= SEEDS);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0 && wire_send(fds[0], o, -1) == 0)
		n = sock_recv(fds[1], s->p, sizeof(s->p), 0, NULL);
	wire_out_free(o);
	close(fds[0]);
	close(fds[1]);
	MUST(n > 0);
	s->n = (size_t)n;
}

static void add_fixed(enum claim_type type, const void *body, size_t n)
{
	struct seed *s = &seeds[seed_count++];

	MUST(seed_count <= SEEDS);
	claim_head(s->p, type, (uint32_t)n);
	memcpy(s->p + CLAIM_HEAD, body, n);
	s->n = CLAIM_HEAD + n;
}

static struct wire_out *open_seed(void)
{
	struct wire_out *o = wire_request("open");

	wire_str(o, "provider", "zai");
	wire_str(o, "mode", "");
	wire_str(o, "delivery", "preload");
	wire_bool(o, "strict", false);
	wire_array(o, "entries");
	wire_item(o);
	wire_str(o, "name", "zai");
	wire_str(o, "variable", "ANTHROPIC_AUTH_TOKEN");
	wire_str(o, "origin", "bearer https://api.example.test");
	wire_item(o);
	wire_str(o, "name", "other");
	return o;
}

static struct wire_out *put_seed(void)
{
	struct wire_out *o = wire_request("put");

	wire_str(o, "name", "zai");
	wire_str(o, "origin", "bearer https://api.example.test");
	wire_str(o, "variable", "ANTHROPIC_AUTH_TOKEN");
	wire_str(o, "policy", "delivery=auto nested=deny strict=no exposed=no keep=yes ttl=12h");
	wire_bool(o, "replace", true);
	wire_secret(o, "token", "example-token-0001", 18);
	return o;
}

static struct wire_out *init_seed(void)
{
	struct wire_out *o = wire_request("init");

	wire_array(o, "slot");
	wire_item(o);
	wire_str(o, "kind", "passphrase");
	wire_str(o, "label", "a slot");
	wire_uint(o, "alg", 2);
	wire_uint(o, "ops", 3);
	wire_uint(o, "mem", 256u << 20);
	wire_bin(o, "salt", "0123456789abcdef", 16);
	wire_array_end(o);
	wire_bin(o, "key", "0123456789abcdef0123456789abcdef", 32);
	return o;
}

static struct wire_out *slot_seed(void)
{
	struct wire_out *o = wire_request("slot-add");

	wire_array(o, "slot");
	wire_item(o);
	wire_str(o, "kind", "keyfile");
	wire_str(o, "label", "host");
	wire_bin(o, "material", "0123456789abcdef0123456789abcdef", 32);
	wire_array_end(o);
	wire_uint(o, "expect", 2);
	wire_bin(o, "keyfile", "ccrunkey\1", 10);
	wire_secret(o, "key", "0123456789abcdef0123456789abcdef", 32);
	return o;
}

static struct wire_out *set_seed(void)
{
	struct wire_out *o = wire_request("set");

	wire_uint(o, "idle", 600);
	wire_uint(o, "longest", UINT64_MAX);
	wire_bool(o, "suspend", true);
	wire_bool(o, "screen", false);
	wire_bool(o, "logout", true);
	return o;
}

/* A vault's file on its way in, and what becomes of it. */
static void add_file_seeds(void)
{
	struct wire_out *o = wire_request("stage");

	wire_uint(o, "at", 48000);
	wire_bin(o, "part", "ccrunvlt\2\0\0\0", 12);
	add_seed(o);
	o = wire_request("restore");
	wire_uint(o, "slot", 1);
	wire_bool(o, "replace", true);
	wire_bool(o, "rekey", false);
	wire_bin(o, "key", "0123456789abcdef0123456789abcdef", 32);
	add_seed(o);
	o = wire_request("rekey");
	wire_bin(o, "keys", "\1\0\0\0" "0123456789abcdef0123456789abcdef", 36);
	add_seed(o);
	o = wire_request("lock");
	wire_str(o, "why", "suspend");
	add_seed(o);
}

static void make_seeds(void)
{
	static const uint8_t item[] = "\1\0\1\0\4\0\0\0Xabcd", refused[] = "\3\0why\2\0do";
	struct failure f = { .code = FAIL_LOCKED, .what = "the vault is locked", .hint = "unlock" };
	struct wire_out *o;
	unsigned i;
	char key[8];

	add_seed(wire_request("hello"));
	add_seed(open_seed());
	add_seed(put_seed());
	add_seed(init_seed());
	add_seed(slot_seed());
	add_seed(set_seed());
	add_file_seeds();
	add_seed(wire_error(&f));
	o = wire_ok();
	wire_uint(o, "generation", UINT64_MAX);
	add_seed(o);
	o = wire_request("status");
	for (i = 0; i < WIRE_KEYS_MAX - 2; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		wire_uint(o, key, (uint64_t)1 << i);
	}
	add_seed(o);
	add_fixed(CLAIM_ARRIVED, "", 0);
	add_fixed(CLAIM_OK, item, sizeof(item) - 1);
	add_fixed(CLAIM_REFUSED, refused, sizeof(refused) - 1);
}

/* ---- damaging ---- */

static void insert(uint8_t *p, size_t *n, size_t at, const uint8_t *from, size_t len)
{
	if (*n + len > ROOM)
		return;
	memmove(p + at + len, p + at, *n - at);
	memcpy(p + at, from, len);
	*n += len;
}

static void damage(uint8_t *p, size_t *n)
{
	/* First bytes of every kind of value, and counts at their limits. */
	static const uint8_t telling[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
					   0xc2, 0xc4, 0xc5, 0xc6, 0xc7, 0xca, 0xcf, 0xd3, 0xd4, 0xd9,
					   0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff };
	static const uint8_t lengths[][5] = { { 0xdf, 0x07, 0xff, 0xff, 0xff }, { 0xdd, 0xff, 0xff, 0xff, 0xff },
					      { 0xc6, 0xff, 0xff, 0xff, 0xff }, { 0xdb, 0x00, 0x00, 0x00, 0x00 },
					      { 0xdd, 0x00, 0x00, 0x00, 0x02 }, { 0xdf, 0x00, 0x00, 0x00, 0x01 } };
	const struct seed *s = &seeds[below(seed_count)];
	size_t at = below(*n), len = below(*n - at) + 1, from;
	uint8_t copy[64];

	if (*n == 0)
		return;
	switch (below(9)) {
	case 0:
		p[at] = (uint8_t)(p[at] ^ 1u << below(8));
		break;
	case 1:
		p[at] = telling[below(sizeof(telling))];
		break;
	case 2:
		p[at] = (uint8_t)rnd();
		break;
	case 3: /* cut */
		*n = at;
		break;
	case 4: /* take out */
		memmove(p + at, p + at + len, *n - at - len);
		*n -= len;
		break;
	case 5: /* double a piece: keys come twice, arrays grow */
		len = len > sizeof(copy) ? sizeof(copy) : len;
		memcpy(copy, p + at, len);
		insert(p, n, at, copy, len);
		break;
	case 6: /* a piece of another message */
		from = below(s->n);
		len = below(s->n - from) + 1;
		insert(p, n, at, s->p + from, len);
		break;
	case 7:
		insert(p, n, at, lengths[below(6)], 5);
		break;
	default: /* deeper */
		memset(copy, (int)(0x90 | below(3)), sizeof(copy));
		insert(p, n, at, copy, below(12));
	}
}

/* ---- reading, as everyone does ---- */

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
	static const char *const keys[] = { "v", "op", "ok", "error", "message", "hint", "provider", "mode",
					    "delivery", "strict", "entries", "name", "variable", "origin",
					    "policy", "replace", "token", "slot", "kind", "label", "alg",
					    "ops", "mem", "salt", "key", "generation", "material", "expect",
					    "keyfile", "keys", "id", "at", "part", "size", "rekey", "why",
					    "idle", "longest", "suspend", "screen", "logout", "k0", "k29", "" };
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

		if (wire_text(m, keys[i], text, sizeof(text), &f) == 0) {
			MUST(strlen(text) < sizeof(text));
			wire_name_ok(text);
			wire_variable_ok(text);
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
		MUST(kinds == 0 || wire_has(m, keys[i]));
	}
}

/* Whatever the claim's reader accepts lies inside the packet. */
static void read_fixed(const uint8_t *p, size_t n)
{
	struct claim_item item[SESSION_ENTRIES_MAX];
	struct claim_text what, hint;
	int i, count = claim_items(p, n, item, SESSION_ENTRIES_MAX);

	MUST(count <= SESSION_ENTRIES_MAX);
	for (i = 0; i < count; i++) {
		MUST(item[i].name.p > (const char *)p && item[i].name.n > 0 && item[i].value.n > 0);
		MUST(item[i].value.p + item[i].value.n <= (const char *)p + n);
	}
	if (claim_refusal(p, n, &what, &hint) == 0)
		MUST(count < 0 && hint.p + hint.n == (const char *)p + n && what.p + what.n < hint.p);
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
		well_formed++;
		read_map(in.top, p, n, 0);
	} else {
		MUST(in.zone == NULL);
		/* What the check passed, msgpack-c reads. */
		MUST(checked != 0 || f.code == FAIL_WRONG_TYPE || f.code == FAIL_NEWER);
	}
	wire_in_free(&in);
}

static void one(void)
{
	static uint8_t work[ROOM];
	const struct seed *s;
	uint8_t *exact;
	size_t n, i, times;

	rnd_state = number * 0xd1342543de82ef95u;
	s = &seeds[below(seed_count)];
	n = s->n;
	memcpy(work, s->p, n);
	times = number < seed_count ? 0 : 1 + below(6);
	for (i = 0; i < times; i++)
		damage(work, &n);
	/* A block of exactly its size: a byte read too many is seen. */
	exact = malloc(n ? n : 1);
	MUST(exact != NULL);
	memcpy(exact, work, n);
	read_packet(exact, n);
	free(exact);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0;
	int64_t end = io_now_ms() + (int64_t)(seconds * 1000);
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	if (seconds <= 0) {
		fputs("usage: fuzz_wire SECONDS [FIRST]\n", stderr);
		return EXIT_USAGE;
	}
	make_seeds();
	for (number = first; number < first + 1000 || io_now_ms() < end; number++)
		one();
	printf("fuzz_wire: %llu packets, %llu of them well formed\n",
	       (unsigned long long)(number - first), (unsigned long long)well_formed);
	return EXIT_DONE;
}
