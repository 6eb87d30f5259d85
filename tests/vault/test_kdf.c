/*
 * tests/vault/test_kdf.c - Argon2id against a known answer, the bounds on what a
 * file may ask for, the cost of new slots, hashes and hex.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "vault/crypto.h"
#include "vault/kdf.h"

static struct kdf_params fast(void)
{
	struct kdf_params p = { .alg = KDF_ARGON2ID13, .ops = KDF_OPS_MIN, .mem = KDF_MEM_MIN };

	memset(p.salt, 0x5a, sizeof(p.salt));
	return p;
}

static void expect_bounds(struct kdf_params p, const char *number)
{
	struct failure f = { 0 };
	uint8_t key[KEY_LEN], zero[KEY_LEN] = { 0 };

	assert_int_equal(kdf_check(&p, &f), -1);
	assert_int_equal(f.code, FAIL_KDF_BOUNDS);
	assert_non_null(strstr(f.what, number));
	memset(key, 1, sizeof(key));
	memset(&f, 0, sizeof(f));
	assert_int_equal(kdf_derive(&p, "pass", 4, key, &f), -1);
	assert_int_equal(f.code, FAIL_KDF_BOUNDS);
	assert_memory_equal(key, zero, KEY_LEN);
}

static void test_bounds(void **state)
{
	struct kdf_params p;

	(void)state;
	p = fast();
	p.alg = 1;
	expect_bounds(p, "algorithm 1");
	p = fast();
	p.ops = 0;
	expect_bounds(p, "0 passes");
	p.ops = KDF_OPS_MAX + 1;
	expect_bounds(p, "17 passes");
	p.ops = UINT64_MAX;
	expect_bounds(p, "18446744073709551615 passes");
	p = fast();
	p.mem = KDF_MEM_MIN - 1;
	expect_bounds(p, "8388607 bytes");
	p.mem = KDF_MEM_MAX + 1;
	expect_bounds(p, "2147483649 bytes");
	p.mem = UINT64_MAX;
	expect_bounds(p, "18446744073709551615 bytes");
	p = fast();
	p.ops = KDF_OPS_MAX;
	p.mem = KDF_MEM_MAX;
	assert_int_equal(kdf_check(&p, NULL), 0);
}

/* From PyNaCl: Argon2id 1.3, one lane, 1 pass, 8192 KiB. */
static void test_known_answer(void **state)
{
	struct kdf_params p = fast();
	uint8_t key[KEY_LEN], other[KEY_LEN];
	char hex[2 * KEY_LEN + 1];

	(void)state;
	assert_int_equal(kdf_derive(&p, "correct horse", 13, key, NULL), 0);
	hex_encode(hex, key, sizeof(key));
	assert_string_equal(hex,
			    "e31386b7ce86dba4d38853fb739cef7438aadec26b3e16168178dc2084580ffb");
	assert_int_equal(kdf_derive(&p, "correct horsf", 13, other, NULL), 0);
	assert_memory_not_equal(key, other, KEY_LEN);
	p.salt[15] ^= 1;
	assert_int_equal(kdf_derive(&p, "correct horse", 13, other, NULL), 0);
	assert_memory_not_equal(key, other, KEY_LEN);
	assert_int_equal(kdf_derive(&p, NULL, 0, other, NULL), 0);
}

static void test_fresh(void **state)
{
	struct kdf_params p, q;

	(void)state;
	kdf_fresh(&p);
	assert_int_equal(p.alg, KDF_ARGON2ID13);
	assert_int_equal(p.ops, 3);
	assert_int_equal(p.mem, 256u << 20);
	assert_int_equal(kdf_check(&p, NULL), 0);
	kdf_fresh(&q);
	assert_memory_not_equal(p.salt, q.salt, SALT_LEN);
}

/* What once made new slots cheap. */
static void test_fresh_whatever_the_environment(void **state)
{
	static const char *const words[] = { "fast", "1", "off", "min" };
	struct kdf_params p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		setenv("CCRUN_KDF", words[i], 1);
		kdf_fresh(&p);
		assert_int_equal(p.ops, 3);
		assert_int_equal(p.mem, 256u << 20);
	}
	unsetenv("CCRUN_KDF");
}

static void test_hash(void **state)
{
	uint8_t whole[32], parts[32];
	char hex[65];

	(void)state;
	blake2b_256(whole, "abc", 3, NULL, 0);
	hex_encode(hex, whole, 32);
	assert_string_equal(hex,
			    "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
	blake2b_256(parts, "a", 1, "bc", 2);
	assert_memory_equal(whole, parts, 32);
	blake2b_256(parts, NULL, 0, "abc", 3);
	assert_memory_equal(whole, parts, 32);
	blake2b_256(parts, NULL, 0, NULL, 0);
	hex_encode(hex, parts, 32);
	assert_string_equal(hex,
			    "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
}

static void test_random(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	random_fill(a, sizeof(a));
	random_fill(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_known_answer),
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_fresh_whatever_the_environment),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_random),
	};

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
