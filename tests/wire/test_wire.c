/*
 * tests/wire/test_wire.c - bounds on packets, reading and writing messages,
 * what names and tokens may be, policies as text, fixed messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/sock.h"
#include "wire/check.h"
#include "wire/claim.h"
#include "wire/limits.h"
#include "wire/names.h"
#include "wire/pack.h"
#include "wire/unpack.h"
#include "wire/policy.h"

/* ---- wire_check ---- */

#define HELLO "\x82\xa1v\x01\xa2op\xa5hello"
#define CASE(bytes, code)                      \
	{                                      \
		bytes, sizeof(bytes) - 1, code \
	}

static const struct {
	const char *p;
	size_t n;
	enum fail_code code;
} packets[] = {
	CASE(HELLO, FAIL_NONE),
	CASE("\x80", FAIL_NONE),
	CASE("\xdf\0\0\0\x01\xda\0\x01v\xcf\0\0\0\0\0\0\0\x01", FAIL_NONE),
	CASE("\x81\xa1x\x91\x81\xa1y\x91\x01", FAIL_NONE), /* as deep as it may be */
	CASE("\x81\xa1x\xca\x01\x02\x03\x04", FAIL_NONE),
	CASE("\x81\xa1x\xc4\x03\x01\x02\x03", FAIL_NONE),
	CASE("", FAIL_MALFORMED),
	CASE("\xc0", FAIL_MALFORMED),
	CASE("\x93\x01\x02\x03", FAIL_MALFORMED),
	CASE("CCR1", FAIL_MALFORMED),
	CASE("\x81", FAIL_MALFORMED),
	CASE("\x81\xa1", FAIL_MALFORMED),
	CASE("\x81\xa1v", FAIL_MALFORMED),
	CASE("\x81\xa1v\xcd\x01", FAIL_MALFORMED),
	CASE("\xdf\x07\xff\xff", FAIL_MALFORMED),
	CASE("\xdf\x07\xff\xff\xff", FAIL_TOO_LARGE),
	CASE("\xde\xff\xff", FAIL_TOO_LARGE),
	CASE("\x81\xa1v\xc6\xff\xff\xff\xff", FAIL_MALFORMED),
	CASE("\x81\xa1v\xdb\xff\xff\xff\xff", FAIL_MALFORMED),
	CASE("\x81\xa1v\xdd\xff\xff\xff\xff", FAIL_MALFORMED),
	CASE("\x81\xa1v\xdd\xff\xff\xff\xff\x01", FAIL_MALFORMED),
	CASE("\x81\xdb\xff\xff\xff\xff", FAIL_MALFORMED),
	CASE("\x81\xa1v\xc1", FAIL_MALFORMED),
	CASE("\x81\xa1v\xd4\x01\x02", FAIL_MALFORMED),
	CASE("\x81\xa1v\xc7\x01\x05x", FAIL_MALFORMED),
	CASE("\x81\xa1x\x91\x81\xa1y\x91\x90", FAIL_TOO_LARGE),
	CASE("\x81\x01\x02", FAIL_WRONG_TYPE),
	CASE("\x81\xc4\x01v\x02", FAIL_WRONG_TYPE),
	CASE("\x82\xa1v\x01\xa1v\x02", FAIL_DUPLICATE_KEY),
	CASE("\x82\xa1v\x01\xd9\x01v\x02", FAIL_DUPLICATE_KEY),
	CASE("\x82\xa0\x01\xa0\x02", FAIL_DUPLICATE_KEY),
	CASE("\x81\xa1x\x82\xa1y\x01\xa1y\x01", FAIL_DUPLICATE_KEY),
	CASE(HELLO "\xc0", FAIL_TRAILING_BYTES),
	CASE("\x80\x80", FAIL_TRAILING_BYTES),
};

static void test_check(void **state)
{
	struct failure f;
	uint8_t *exact;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		/* A block of just that size, so that a sanitizer sees a byte too many. */
		exact = malloc(packets[i].n ? packets[i].n : 1);
		memcpy(exact, packets[i].p, packets[i].n);
		f.code = FAIL_NONE;
		if (wire_check(exact, packets[i].n, &f) != 0)
			assert_int_not_equal(f.code, FAIL_NONE);
		if (f.code != packets[i].code)
			print_error("packet %zu: %s\n", i, fail_name(f.code));
		assert_int_equal(f.code, packets[i].code);
		free(exact);
	}
}

/* Every beginning of a good packet is a bad one. */
static void test_check_cut(void **state)
{
	static const char good[] = "\x84\xa1v\x01\xa2op\xa4open\xa7"
				   "entries\x91\x81\xa4name\xa3zai"
				   "\xa5token\xc4\x04\x01\x02\x03\x04";
	struct failure f;
	size_t n;

	(void)state;
	assert_int_equal(wire_check(good, sizeof(good) - 1, &f), 0);
	for (n = 0; n < sizeof(good) - 1; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, good, n);
		assert_int_equal(wire_check(exact, n, &f), -1);
		assert_int_equal(f.code, FAIL_MALFORMED);
		free(exact);
	}
}

static void test_check_sizes(void **state)
{
	static uint8_t big[WIRE_PACKET_MAX + 1];
	struct failure f;
	unsigned i;

	(void)state;
	/* {"x": bin16 of all the rest} */
	memcpy(big, "\x81\xa1x\xc5\xff\xf8", 6);
	big[5] = (uint8_t)((WIRE_PACKET_MAX - 6) & 0xff);
	assert_int_equal(wire_check(big, WIRE_PACKET_MAX, &f), 0);
	assert_int_equal(wire_check(big, sizeof(big), &f), -1);
	assert_int_equal(f.code, FAIL_TOO_LARGE);
	/* 32 keys of two letters, then one more */
	for (i = 0; i < WIRE_KEYS_MAX + 1; i++) {
		big[3 + i * 4] = 0xa2;
		big[4 + i * 4] = 'k';
		big[5 + i * 4] = (uint8_t)('A' + i);
		big[6 + i * 4] = 0xc2;
	}
	memcpy(big, "\xde\0\x20", 3);
	assert_int_equal(wire_check(big, 3 + WIRE_KEYS_MAX * 4, &f), 0);
	big[2] = 0x21;
	assert_int_equal(wire_check(big, 3 + (WIRE_KEYS_MAX + 1) * 4, &f), -1);
	assert_int_equal(f.code, FAIL_TOO_LARGE);
	memset(big, 0x91, sizeof(big));
	memcpy(big, "\x81\xa1x", 3);
	assert_int_equal(wire_check(big, WIRE_PACKET_MAX, &f), -1);
	assert_int_equal(f.code, FAIL_TOO_LARGE);
}

/* ---- writing, then reading ---- */

static int pair[2];

/* Send o and receive it into buf. */
static size_t through(struct wire_out *o, uint8_t *buf)
{
	ssize_t n;

	assert_int_equal(wire_send(pair[0], o, -1), 0);
	wire_out_free(o);
	n = sock_recv(pair[1], buf, WIRE_PACKET_MAX, 0, NULL);
	assert_true(n > 0);
	return (size_t)n;
}

static struct wire_out *sample(void)
{
	struct wire_out *o = wire_request("test");

	wire_put_str(o, "text", "hello");
	wire_put_bool(o, "yes", true);
	wire_put_uint(o, "large", UINT64_MAX);
	wire_put_bin(o, "bin", "\0\1\2", 3);
	wire_begin_array(o, "list");
	wire_begin_item(o);
	wire_put_str(o, "name", "a");
	wire_begin_item(o);
	wire_put_str(o, "name", "b");
	wire_end_array(o);
	wire_put_secret(o, "token", "secret value", 12);
	return o;
}

static void test_round_trip(void **state)
{
	static uint8_t buf[WIRE_PACKET_MAX];
	struct failure f = { 0 };
	struct wire_map item;
	struct wire_in in;
	const uint8_t *p;
	char text[16];
	unsigned count;
	uint64_t u;
	size_t n;
	bool b;

	(void)state;
	assert_int_equal(wire_parse(&in, buf, through(sample(), buf), &f), 0);
	assert_int_equal(wire_get_text(in.top, "op", text, sizeof(text), &f), 0);
	assert_string_equal(text, "test");
	assert_int_equal(wire_get_text(in.top, "text", text, 6, &f), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(wire_get_bool(in.top, "yes", &b, &f), 0);
	assert_true(b);
	assert_int_equal(wire_get_uint(in.top, "large", &u, &f), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(wire_get_bin(in.top, "bin", &p, &n, &f), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(p, "\0\1\2", 3);
	assert_int_equal(wire_get_array(in.top, "list", &count, &f), 0);
	assert_int_equal(count, 2);
	assert_int_equal(wire_get_item(in.top, "list", 1, &item, &f), 0);
	assert_int_equal(wire_get_text(item, "name", text, sizeof(text), &f), 0);
	assert_string_equal(text, "b");
	assert_int_equal(wire_get_bin(in.top, "token", &p, &n, &f), 0);
	assert_int_equal(n, 12);
	assert_memory_equal(p, "secret value", 12);
	/* It was not copied: it lies in the packet. */
	assert_true(p >= buf && p + n <= buf + sizeof(buf));
	wire_in_free(&in);
	assert_false(wire_has(in.top, "op"));
	wire_in_free(&in);
}

static void expect(int r, const struct failure *f, enum fail_code code)
{
	assert_int_equal(r, -1);
	assert_int_equal(f->code, code);
}

static void test_wrong_fields(void **state)
{
	static uint8_t buf[WIRE_PACKET_MAX];
	struct failure f = { 0 };
	struct wire_map item = { NULL };
	struct wire_in in;
	const uint8_t *p;
	char text[16];
	unsigned count;
	uint64_t u;
	size_t n;
	bool b;

	(void)state;
	assert_int_equal(wire_parse(&in, buf, through(sample(), buf), &f), 0);
	assert_true(wire_has(in.top, "text") && !wire_has(in.top, "tex") &&
		    !wire_has(in.top, "text2"));
	expect(wire_get_text(in.top, "absent", text, sizeof(text), &f), &f, FAIL_WRONG_TYPE);
	expect(wire_get_text(in.top, "bin", text, sizeof(text), &f), &f, FAIL_WRONG_TYPE);
	expect(wire_get_text(in.top, "text", text, 5, &f), &f, FAIL_TOO_LARGE);
	expect(wire_get_uint(in.top, "text", &u, &f), &f, FAIL_WRONG_TYPE);
	expect(wire_get_uint(in.top, "yes", &u, &f), &f, FAIL_WRONG_TYPE);
	expect(wire_get_bool(in.top, "large", &b, &f), &f, FAIL_WRONG_TYPE);
	expect(wire_get_bin(in.top, "text", &p, &n, &f), &f, FAIL_WRONG_TYPE);
	expect(wire_get_array(in.top, "text", &count, &f), &f, FAIL_WRONG_TYPE);
	expect(wire_get_item(in.top, "list", 2, &item, &f), &f, FAIL_WRONG_TYPE);
	expect(wire_get_item(in.top, "text", 0, &item, &f), &f, FAIL_WRONG_TYPE);
	expect(wire_get_text(item, "name", text, sizeof(text), &f), &f, FAIL_WRONG_TYPE);
	wire_in_free(&in);

	assert_int_equal(wire_parse(&in,
				    "\x83\xa1v\x01\xa1x\xa2"
				    "a\n\xa1y\xa2"
				    "\0a",
				    14, &f),
			 0);
	expect(wire_get_text(in.top, "x", text, sizeof(text), &f), &f, FAIL_BAD_VALUE);
	expect(wire_get_text(in.top, "y", text, sizeof(text), &f), &f, FAIL_BAD_VALUE);
	wire_in_free(&in);
}

static void test_versions(void **state)
{
	struct failure f = { 0 };
	struct wire_in in;

	(void)state;
	expect(wire_parse(&in, "\x80", 1, &f), &f, FAIL_WRONG_TYPE);
	expect(wire_parse(&in,
			  "\x81\xa1v\xa1"
			  "1",
			  5, &f),
	       &f, FAIL_WRONG_TYPE);
	expect(wire_parse(&in, "\x81\xa1v\xff", 4, &f), &f, FAIL_WRONG_TYPE);
	expect(wire_parse(&in, "\x81\xa1v\x02", 4, &f), &f, FAIL_NEWER);
	expect(wire_parse(&in, "\x81\xa1v\x00", 4, &f), &f, FAIL_NEWER);
	expect(wire_parse(&in, "x", 1, &f), &f, FAIL_MALFORMED);
	assert_null(in.zone);
	assert_int_equal(wire_parse(&in, "\x81\xa1v\xd0\x01", 5, &f), 0);
	wire_in_free(&in);
}

/* The bytes of messages: the shortest header that holds the count, at every level. */
static void test_headers(void **state)
{
	static const char ok[] = "\x82\xa1v\x01\xa2ok\xc3", nested[] =
								    "\x84\xa1v\x01\xa2ok\xc3"
								    "\xa1l\x92\x82\xa1"
								    "a\x01\xa1z\x90\x80\xa1k\x03";
	static uint8_t buf[WIRE_PACKET_MAX];
	struct wire_out *o = wire_ok();

	(void)state;
	assert_int_equal(through(o, buf), sizeof(ok) - 1);
	assert_memory_equal(buf, ok, sizeof(ok) - 1);
	o = wire_ok();
	wire_begin_array(o, "l");
	wire_begin_item(o);
	wire_put_uint(o, "a", 1);
	wire_begin_array(o, "z");
	wire_end_array(o);
	wire_begin_item(o);
	wire_end_array(o);
	wire_put_uint(o, "k", 3);
	assert_int_equal(through(o, buf), sizeof(nested) - 1);
	assert_memory_equal(buf, nested, sizeof(nested) - 1);
}

/* Of `items` maps with `keys` keys each, and as many keys in the message itself. */
static size_t grown(unsigned items, unsigned keys, uint8_t *buf)
{
	struct wire_out *o = wire_ok();
	unsigned i, k;
	char key[8];

	wire_begin_array(o, "list");
	for (i = 0; i < items; i++) {
		wire_begin_item(o);
		for (k = 0; k < keys; k++) {
			snprintf(key, sizeof(key), "k%u", k);
			wire_put_uint(o, key, k);
		}
	}
	wire_end_array(o);
	for (k = 3; k < keys; k++) {
		snprintf(key, sizeof(key), "k%u", k);
		wire_put_uint(o, key, k);
	}
	return through(o, buf);
}

static void check_grown(unsigned items, unsigned keys)
{
	static uint8_t buf[WIRE_PACKET_MAX];
	struct failure f = { 0 };
	struct wire_map item;
	struct wire_in in;
	unsigned i, k, count;
	uint64_t u;
	char key[8];

	assert_int_equal(wire_parse(&in, buf, grown(items, keys, buf), &f), 0);
	assert_int_equal(wire_get_array(in.top, "list", &count, &f), 0);
	assert_int_equal(count, items);
	for (k = 0; k < keys; k++) {
		snprintf(key, sizeof(key), "k%u", k);
		for (i = 0; i < items; i++) {
			assert_int_equal(wire_get_item(in.top, "list", i, &item, &f), 0);
			assert_int_equal(wire_get_uint(item, key, &u, &f), 0);
			assert_int_equal(u, k);
		}
		if (k >= 3) {
			assert_int_equal(wire_get_uint(in.top, key, &u, &f), 0);
			assert_int_equal(u, k);
		}
	}
	wire_in_free(&in);
}

static void test_counts(void **state)
{
	unsigned items, keys;

	(void)state;
	for (items = 0; items < 19; items++)
		for (keys = 3; keys <= WIRE_KEYS_MAX; keys += keys < 14 || keys > 17 ? 4 : 1)
			check_grown(items, keys);
	check_grown(300, 5);
}

static void send_fails(struct wire_out *o, int error)
{
	errno = 0;
	assert_int_equal(wire_send(pair[0], o, -1), -1);
	assert_int_equal(errno, error);
	wire_out_free(o);
}

/* What would make a count wrong, or no message, is never sent. */
static void test_wrong_order(void **state)
{
	struct wire_out *o;
	unsigned i;

	(void)state;
	o = wire_ok();
	wire_begin_array(o, "l");
	wire_put_uint(o, "beside an item", 1);
	send_fails(o, EINVAL);
	o = wire_ok();
	wire_begin_item(o);
	send_fails(o, EINVAL);
	o = wire_ok();
	wire_end_array(o);
	send_fails(o, EINVAL);
	o = wire_ok();
	wire_begin_array(o, "l");
	wire_begin_item(o);
	wire_put_secret(o, "in an item", "s", 1);
	send_fails(o, EINVAL);
	o = wire_ok();
	wire_put_secret(o, "s", "s", 1);
	wire_put_uint(o, "after a secret", 1);
	send_fails(o, EINVAL);
	o = wire_ok();
	wire_begin_array(o, "1");
	wire_begin_item(o);
	wire_begin_array(o, "3");
	wire_begin_item(o);
	send_fails(o, EINVAL); /* nested deeper than a reader allows */
	o = wire_ok();
	wire_begin_array(o, "l");
	for (i = 0; i <= UINT16_MAX; i++)
		wire_begin_item(o);
	send_fails(o, EMSGSIZE);
	o = wire_ok();
	for (i = 0; i <= UINT16_MAX; i++)
		wire_put_uint(o, "k", 1);
	send_fails(o, EMSGSIZE);
}

static void test_send_limits(void **state)
{
	static uint8_t big[WIRE_PACKET_MAX], buf[WIRE_PACKET_MAX];
	struct wire_out *o = wire_request("x");
	size_t room;

	(void)state;
	room = WIRE_PACKET_MAX - through(wire_request("x"), buf);
	wire_put_secret(o, "k", big, room - 2 - 3); /* the key and a bin16's header */
	assert_int_equal(through(o, buf), WIRE_PACKET_MAX);
	o = wire_request("x");
	wire_put_secret(o, "k", big, room - 2 - 2);
	assert_int_equal(wire_send(pair[0], o, -1), -1);
	assert_int_equal(errno, EMSGSIZE);
	wire_out_free(o);
	/* Out of memory is said once, when it is sent. */
	wire_put_str(NULL, "a", "b");
	wire_put_secret(NULL, "a", "b", 1);
	assert_int_equal(wire_send(pair[0], NULL, -1), -1);
	assert_int_equal(errno, ENOMEM);
	wire_out_free(NULL);
}

static void test_error_message(void **state)
{
	static uint8_t buf[WIRE_PACKET_MAX];
	struct failure f = { .code = FAIL_LOCKED, .what = "what: why", .hint = "do" };
	struct wire_in in;
	char text[64];
	bool ok = true;

	(void)state;
	assert_int_equal(wire_parse(&in, buf, through(wire_error(&f), buf), &f), 0);
	assert_int_equal(wire_get_bool(in.top, "ok", &ok, &f), 0);
	assert_false(ok);
	assert_int_equal(wire_get_text(in.top, "error", text, sizeof(text), &f), 0);
	assert_string_equal(text, "locked");
	assert_int_equal(wire_get_text(in.top, "message", text, sizeof(text), &f), 0);
	assert_string_equal(text, "what: why");
	assert_int_equal(wire_get_text(in.top, "hint", text, sizeof(text), &f), 0);
	assert_string_equal(text, "do");
	wire_in_free(&in);
}

/* ---- names, tokens, policies, fixed messages ---- */

static void test_names(void **state)
{
	char name[NAME_MAX_LEN + 2];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[NAME_MAX_LEN] = '\0';
	assert_true(wire_name_ok(name) && wire_variable_ok(name));
	name[NAME_MAX_LEN] = 'n';
	name[NAME_MAX_LEN + 1] = '\0';
	assert_false(wire_name_ok(name) || wire_variable_ok(name));
	assert_true(wire_name_ok("a") && wire_name_ok("0") && wire_name_ok("my-key_2.b"));
	assert_false(wire_name_ok("") || wire_name_ok(".a") || wire_name_ok("-a") ||
		     wire_name_ok("a/b") || wire_name_ok("a b") || wire_name_ok("\xc3\xa9") ||
		     wire_name_ok("a\n"));
	assert_true(wire_variable_ok("A") && wire_variable_ok("_a1"));
	assert_false(wire_variable_ok("") || wire_variable_ok("1A") || wire_variable_ok("A-B") ||
		     wire_variable_ok("A=B"));
	assert_true(wire_carrier_ok("A") && wire_carrier_ok("header:cf-aig-authorization"));
	assert_false(wire_carrier_ok("header:") || wire_carrier_ok("header:-a") ||
		     wire_carrier_ok("header:A") || wire_carrier_ok("header:a b") ||
		     wire_carrier_ok("header:a_b") || wire_carrier_ok("Header:a") ||
		     wire_carrier_ok("header:a:") || wire_carrier_ok("header::Bearer") ||
		     wire_carrier_ok("header:a:1") || wire_carrier_ok("header:a:-b") ||
		     wire_carrier_ok("header:a:b c") || wire_carrier_ok("header:a:b:c") ||
		     wire_carrier_ok("A:Bearer"));
	assert_true(wire_carrier_ok("header:a:Bearer") && wire_carrier_ok("header:a:Api-Key"));
	assert_string_equal(wire_carrier_header("header:x-key:Bearer"), "x-key:Bearer");
	assert_true(wire_carriers_collide("header:a", "header:a:Bearer"));
	assert_false(wire_carriers_collide("header:a", "header:ab") ||
		     wire_carriers_collide("A", "A") || wire_carriers_collide("A", "header:a"));
	assert_string_equal(wire_carrier_header("header:x-key"), "x-key");
	assert_null(wire_carrier_header("HEADER"));
}

static int token(const char *text, size_t n, struct failure *f)
{
	f->code = FAIL_NONE;
	return wire_token_check((const uint8_t *)text, n, f);
}

static void test_tokens(void **state)
{
	static char long_token[TOKEN_MAX + 1];
	struct failure f;

	(void)state;
	memset(long_token, 't', sizeof(long_token));
	assert_int_equal(token("12345678", 8, &f), 0);
	assert_int_equal(token("!~sk-ant+/=", 11, &f), 0);
	assert_int_equal(token(long_token, TOKEN_MAX, &f), 0);
	expect(token(long_token, TOKEN_MAX + 1, &f), &f, FAIL_TOO_LARGE);
	expect(token("", 0, &f), &f, FAIL_BAD_VALUE);
	expect(token("1234567", 7, &f), &f, FAIL_BAD_VALUE);
	expect(token("12345678\n", 9, &f), &f, FAIL_BAD_VALUE);
	expect(token("1234\0678", 8, &f), &f, FAIL_BAD_VALUE);
	expect(token("1234 5678", 9, &f), &f, FAIL_BAD_VALUE);
	expect(token("1234\x7f"
		     "5678",
		     9, &f),
	       &f, FAIL_BAD_VALUE);
	expect(token("1234\xc3\xa9"
		     "78",
		     8, &f),
	       &f, FAIL_BAD_VALUE);
	/* What is wrong is said without the value. */
	assert_null(strstr(f.what, "1234"));
}

static bool same(const struct policy *a, const struct policy *b)
{
	return a->delivery == b->delivery && a->nested == b->nested && a->strict == b->strict &&
	       a->exposed == b->exposed && a->keep == b->keep && a->ttl == b->ttl &&
	       a->linger == b->linger && a->confine == b->confine &&
	       strcmp(a->config_dir, b->config_dir) == 0 && strcmp(a->env, b->env) == 0 &&
	       strcmp(a->ca, b->ca) == 0 && strcmp(a->prices, b->prices) == 0;
}

static void test_policies(void **state)
{
	struct failure f = { 0 };
	char text[POLICY_MAX_LEN + 1], long_text[POLICY_MAX_LEN + 2];
	struct policy p, q;
	int i;

	(void)state;
	assert_int_equal(policy_parse(&p, "", &f), 0);
	policy_format(&p, text, sizeof(text));
	assert_string_equal(text, "delivery=auto nested=deny strict=no exposed=no");
	for (i = 0; i < 5 * 8; i++) {
		p.delivery = (enum delivery)(i / 8);
		p.nested = i & 1 ? NESTED_ALLOW : NESTED_DENY;
		p.strict = i & 2;
		p.exposed = i & 4;
		policy_format(&p, text, sizeof(text));
		assert_int_equal(policy_parse(&q, text, &f), 0);
		assert_true(p.delivery == q.delivery && p.nested == q.nested &&
			    p.strict == q.strict && p.exposed == q.exposed);
		assert_true(same(&p, &q));
		assert_int_equal(delivery_from_name(delivery_name(p.delivery)), p.delivery);
	}
	assert_int_equal(policy_parse(&p, "  exposed=yes   delivery=pipe ", &f), 0);
	assert_true(p.exposed && p.delivery == DELIVERY_PIPE && !p.nested && !p.strict);
	expect(policy_parse(&p, "colour=red", &f), &f, FAIL_BAD_VALUE);
	expect(policy_parse(&p, "strict", &f), &f, FAIL_BAD_VALUE);
	expect(policy_parse(&p, "strict=YES", &f), &f, FAIL_BAD_VALUE);
	expect(policy_parse(&p, "nested=yes", &f), &f, FAIL_BAD_VALUE);
	expect(policy_parse(&p, "delivery=Relay", &f), &f, FAIL_BAD_VALUE);
	memset(long_text, ' ', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	expect(policy_parse(&p, long_text, &f), &f, FAIL_TOO_LARGE);
	assert_int_equal(delivery_from_name("x"), -1);
	/* the broker's decisions compare by this order */
	assert_int_equal(delivery_from_name("relay"), DELIVERY_RELAY);
	assert_true(DELIVERY_RELAY < DELIVERY_PRELOAD && DELIVERY_PRELOAD < DELIVERY_AUTO &&
		    DELIVERY_AUTO < DELIVERY_PIPE && DELIVERY_PIPE < DELIVERY_ENV);
}

static void test_claim_head(void **state)
{
	uint8_t head[CLAIM_HEAD + 2] = { 0 };

	(void)state;
	claim_put_head(head, CLAIM_OK, 2);
	assert_memory_equal(head, "CCR1\x81\0\0\0\2\0\0\0", CLAIM_HEAD);
	assert_int_equal(claim_type(head, sizeof(head)), CLAIM_OK);
	assert_int_equal(claim_type(head, CLAIM_HEAD), -1);
	assert_int_equal(claim_type(head, CLAIM_HEAD - 1), -1);
	head[6] = 1;
	assert_int_equal(claim_type(head, sizeof(head)), -1);
	claim_put_head(head, CLAIM_OK, 0xffffffff);
	assert_int_equal(claim_type(head, sizeof(head)), -1);
	head[0] = 'c';
	assert_int_equal(claim_type(head, sizeof(head)), -1);
	claim_put32(head, 0xfedcba98);
	assert_memory_equal(head, "\x98\xba\xdc\xfe", 4);
	assert_true(claim_get32(head) == 0xfedcba98);
	assert_int_equal(claim_get16(head + 2), 0xfedc);
}

/* A packet with that body in p; its length. */
static size_t fixed(uint8_t *p, enum claim_type type, const void *body, size_t n)
{
	claim_put_head(p, type, (uint32_t)n);
	memcpy(p + CLAIM_HEAD, body, n);
	return CLAIM_HEAD + n;
}

#define ITEM_A         \
	"\1\0\3\0\0\0" \
	"Aabc"
#define ITEM_B         \
	"\2\0\1\0\0\0" \
	"B1x"
#define BODY(bytes)                      \
	{                                \
		bytes, sizeof(bytes) - 1 \
	}

static void test_claim_items(void **state)
{
	static const char two[] = "\2\0" ITEM_A ITEM_B;
	static const struct {
		const char *p;
		size_t n;
	} wrong[] = {
		BODY(""),
		BODY("\0"),
		BODY("\1\0"),
		BODY("\0\0x"),
		BODY("\1\0" ITEM_A ITEM_B),
		BODY("\3\0" ITEM_A ITEM_B),
		BODY("\1\0" ITEM_A "x"),
		BODY("\2\0" ITEM_A ITEM_A), /* a name twice */
		BODY("\4\0" ITEM_A ITEM_B "\1\0\1\0\0\0Cc"
		     "\1\0\1\0\0\0Dd"), /* more than fit */
		BODY("\xff\xff" ITEM_A),
		BODY("\1\0\0\0\3\0\0\0abc"), /* no name */
		BODY("\1\0\1\0\0\0\0\0A"),   /* no value */
		BODY("\1\0\1\0\2\0\0\0Aa\0"),
		BODY("\1\0\1\0\3\0\0\0"
		     "1abc"),
		BODY("\1\0\1\0\3\0\0\0=abc"),
		BODY("\1\0\xff\xff\3\0\0\0Aabc"),
		BODY("\1\0\1\0\xff\xff\xff\xff"
		     "Aabc"),
	};
	static uint8_t
		packet[CLAIM_HEAD + 2 + CLAIM_ITEM_HEAD + CLAIM_NAME_MAX + CLAIM_VALUE_MAX + 2];
	static uint8_t body[sizeof(packet) - CLAIM_HEAD];
	struct claim_item item[3];
	size_t i, n, name, value;

	(void)state;
	n = fixed(packet, CLAIM_OK, two, sizeof(two) - 1);
	assert_int_equal(claim_get_items(packet, n, item, 3), 2);
	assert_true(item[0].name.n == 1 && item[0].name.p[0] == 'A');
	assert_true(item[0].value.n == 3 && memcmp(item[0].value.p, "abc", 3) == 0);
	assert_true(item[1].name.n == 2 && memcmp(item[1].name.p, "B1", 2) == 0);
	assert_true(item[1].value.n == 1 && item[1].value.p == (char *)packet + n - 1);
	assert_int_equal(claim_get_items(packet, n, item, 1), -1);
	for (i = 0; i < n; i++)
		assert_int_equal(claim_get_items(packet, i, item, 3), -1);
	/* Cut short, under a header that says so. */
	for (i = 0; i < sizeof(two) - 1; i++)
		assert_int_equal(claim_get_items(packet, fixed(packet, CLAIM_OK, two, i), item, 3),
				 -1);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		n = fixed(packet, CLAIM_OK, wrong[i].p, wrong[i].n);
		assert_int_equal(claim_get_items(packet, n, item, 3), -1);
	}
	n = fixed(packet, CLAIM_REFUSED, two, sizeof(two) - 1);
	assert_int_equal(claim_get_items(packet, n, item, 3), -1);
	n = fixed(packet, CLAIM_OK, "\0\0", 2);
	assert_int_equal(claim_get_items(packet, n, NULL, 0), 0);
	/* The longest name and value, and one byte more of each. */
	for (i = 0; i < 4; i++) {
		name = CLAIM_NAME_MAX + i % 2;
		value = CLAIM_VALUE_MAX + i / 2;
		memset(body, 'A', sizeof(body));
		claim_put16(body, 1);
		claim_put16(body + 2, (uint16_t)name);
		claim_put32(body + 4, (uint32_t)value);
		n = fixed(packet, CLAIM_OK, body, 2 + CLAIM_ITEM_HEAD + name + value);
		assert_int_equal(claim_get_items(packet, n, item, 3), i == 0 ? 1 : -1);
	}
}

static void test_claim_refusal(void **state)
{
	static const char refused[] = "\3\0why\2\0do", long_hint[] = "\3\0why\3\0do",
			  more[] = "\0\0\0\0x";
	uint8_t packet[64];
	struct claim_text what, hint;
	size_t i, n;

	(void)state;
	n = fixed(packet, CLAIM_REFUSED, refused, sizeof(refused) - 1);
	assert_int_equal(claim_get_refusal(packet, n, &what, &hint), 0);
	assert_true(what.n == 3 && memcmp(what.p, "why", 3) == 0);
	assert_true(hint.n == 2 && memcmp(hint.p, "do", 2) == 0);
	for (i = 0; i < sizeof(refused) - 1; i++) {
		n = fixed(packet, CLAIM_REFUSED, refused, i);
		assert_int_equal(claim_get_refusal(packet, n, &what, &hint), -1);
	}
	n = fixed(packet, CLAIM_REFUSED, "\0\0\0\0", 4);
	assert_int_equal(claim_get_refusal(packet, n, &what, &hint), 0);
	assert_true(what.n == 0 && hint.n == 0);
	n = fixed(packet, CLAIM_REFUSED, more, sizeof(more) - 1);
	assert_int_equal(claim_get_refusal(packet, n, &what, &hint), -1);
	n = fixed(packet, CLAIM_REFUSED, long_hint, sizeof(long_hint) - 1);
	assert_int_equal(claim_get_refusal(packet, n, &what, &hint), -1);
	n = fixed(packet, CLAIM_OK, refused, sizeof(refused) - 1);
	assert_int_equal(claim_get_refusal(packet, n, &what, &hint), -1);
}

static int make_pair(void **state)
{
	int size = 4 * WIRE_PACKET_MAX;

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		return -1;
	return setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),	      cmocka_unit_test(test_check_cut),
		cmocka_unit_test(test_check_sizes),   cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_wrong_fields),  cmocka_unit_test(test_versions),
		cmocka_unit_test(test_headers),	      cmocka_unit_test(test_counts),
		cmocka_unit_test(test_wrong_order),   cmocka_unit_test(test_send_limits),
		cmocka_unit_test(test_error_message), cmocka_unit_test(test_names),
		cmocka_unit_test(test_tokens),	      cmocka_unit_test(test_policies),
		cmocka_unit_test(test_claim_head),    cmocka_unit_test(test_claim_items),
		cmocka_unit_test(test_claim_refusal),
	};

	return cmocka_run_group_tests(tests, make_pair, NULL);
}
