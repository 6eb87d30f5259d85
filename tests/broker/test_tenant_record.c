/*
 * tests/broker/test_tenant_record.c - when the log's checkpoint is written, and that a crash
 * between a vault with another key and its checkpoint is none of its being tampered with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/base/base_fixture.h"
#include "tests/vault/vault_fixture.h"

#include "broker/checkpoint.h"
#include "broker/tenant.h"
#include "broker/tenant_record.h"
#include "vault/crypto.h"

static struct tenant t;
static struct failure f;

static void write_line(void)
{
	const struct audit_event e = { .event = "get", .result = "granted" };

	assert_int_equal(audit_write(&t.audit, &e, &f), 0);
}

/* A directory with a log of one line, and no vault's file in it. */
static int begin(void **state)
{
	if (make_dir(state) != 0 || setup(state) != 0)
		return -1;
	t = (struct tenant){ .arena = arena };
	if (store_open(&t.store, dir, &f) != 0 || audit_open(&t.audit, dir, &f) != 0)
		return -1;
	write_line();
	t.vault = fresh();
	return 0;
}

static int end(void **state)
{
	tenant_record_close(&t, 0);
	vault_free(t.vault);
	audit_close(&t.audit);
	store_close(&t.store);
	return teardown(state) == 0 ? remove_dir(state) : -1;
}

static bool there(const char *leaf)
{
	return access(in_dir(leaf), F_OK) == 0;
}

static ino_t inode(void)
{
	struct stat st;

	assert_int_equal(stat(in_dir(STORE_CHECKPOINT), &st), 0);
	return st.st_ino;
}

/* Is it of t's vault, in this generation, and of the log as it is? */
static void expect_checkpoint(uint64_t generation)
{
	char text[CHECKPOINT_TEXT];
	struct checkpoint c;
	uint8_t key[KEY_LEN];
	size_t n = 0;

	assert_int_equal(store_read_beside(&t.store, STORE_CHECKPOINT, text, sizeof(text), &n, &f),
			 STORE_READ_DONE);
	vault_derive_key(t.vault, "ccrun record checkpoint 1", key);
	assert_true(checkpoint_parse(&c, key, text, n));
	assert_memory_equal(c.vault, vault_id(t.vault), VAULT_ID_LEN);
	assert_int_equal(c.generation, generation);
	assert_int_equal(c.seq, t.audit.seq);
	assert_string_equal(c.hash, t.audit.hash);
}

/* The tenant's vault is opened by a broker that has just started. */
static void start_again(void)
{
	tenant_record_close(&t, 0);
	audit_close(&t.audit);
	t.record.last = (struct checkpoint){ 0 };
	assert_int_equal(audit_open(&t.audit, dir, &f), 0);
	tenant_record_opened(&t);
}

/* From its first moment on: a broker that is killed then has it. */
static void test_a_new_vault(void **state)
{
	(void)state;
	assert_int_equal(tenant_record_expect(&t, t.vault, 1, &f), 0);
	assert_true(there(STORE_CHECKPOINT_NEXT));
	assert_false(there(STORE_CHECKPOINT));
	vault_commit(t.vault);
	tenant_record_begin(&t);
	assert_false(there(STORE_CHECKPOINT_NEXT));
	expect_checkpoint(1);
	start_again();
	assert_string_equal(t.audit.news, "");
}

/* A vault with another key is on the disk, its checkpoint has the second name yet. */
static void test_a_crash_before_it_has_its_name(void **state)
{
	struct vault *old = t.vault;
	uint64_t seq;

	(void)state;
	vault_commit(old);
	tenant_record_begin(&t);
	t.vault = fresh();
	assert_int_equal(tenant_record_expect(&t, t.vault, 1, &f), 0);
	vault_commit(t.vault);
	vault_free(old);
	seq = t.audit.seq;
	start_again();
	assert_string_equal(t.audit.news, "");
	assert_int_equal(t.audit.seq, seq);
	/* At once: it is killed again. */
	assert_false(there(STORE_CHECKPOINT_NEXT));
	expect_checkpoint(1);
}

/* And if what has the second name is not of that vault, either, it is said. */
static void test_neither_is_of_this_vault(void **state)
{
	struct vault *old = t.vault;

	(void)state;
	assert_int_equal(tenant_record_expect(&t, old, 1, &f), 0);
	t.vault = fresh();
	vault_commit(t.vault);
	vault_free(old);
	start_again();
	assert_string_not_equal(t.audit.news, "");
	assert_false(there(STORE_CHECKPOINT_NEXT));
	expect_checkpoint(1);
}

/* Nothing new: the file stays as it is. */
static void test_written_once(void **state)
{
	ino_t before;

	(void)state;
	vault_commit(t.vault);
	tenant_record_begin(&t);
	before = inode();
	tenant_record_written(&t);
	assert_int_equal(inode(), before);
	start_again();
	assert_int_equal(inode(), before);
	tenant_record_check(&t, 1);
	tenant_record_check(&t, 1000000);
	assert_int_equal(tenant_record_close(&t, 1), 0);
	assert_int_equal(inode(), before);
}

/* A vault's file never is of a later generation than the checkpoint, though there is no line
 * since: as when the lock's own could not be written. */
static void test_closed_before_a_later_file(void **state)
{
	(void)state;
	vault_commit(t.vault);
	tenant_record_begin(&t);
	assert_int_equal(tenant_record_close(&t, 2), 0);
	expect_checkpoint(2);
	vault_commit(t.vault);
	start_again();
	assert_string_equal(t.audit.news, "");
}

/* Where the arena has no room for its key, none is kept, and nothing is written without one. */
static void test_no_room_for_its_key(void **state)
{
	void *taken[4096];
	size_t n = 0;

	(void)state;
	while (n < sizeof(taken) / sizeof(taken[0]) &&
	       (taken[n] = arena_alloc(arena, n < 2048 ? 4096 : 1, NULL)))
		n++;
	assert_true(n < sizeof(taken) / sizeof(taken[0]));
	tenant_record_begin(&t);
	assert_false(there(STORE_CHECKPOINT));
	tenant_record_check(&t, 1);
	assert_int_equal(tenant_record_close(&t, 1), 0);
	while (n > 0)
		arena_release(arena, taken[--n]);
	tenant_record_written(&t);
	expect_checkpoint(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_new_vault),
		TEST(test_a_crash_before_it_has_its_name),
		TEST(test_neither_is_of_this_vault),
		TEST(test_written_once),
		TEST(test_closed_before_a_later_file),
		TEST(test_no_room_for_its_key),
	};

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
