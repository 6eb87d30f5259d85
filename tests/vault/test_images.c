/*
 * tests/vault/test_images.c - the images that a vault keeps.
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
#include <sys/mman.h>
#include <unistd.h>

#include "tests/vault/vault_fixture.h"
#include "vault/crypto.h"
#include "vault/images.h"
#include "vault/layout.h"
#include "vault/lock_settings.h"
#include "vault/undo.h"
#include "wire/image.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct image an_image(const char *name, const char *file)
{
	struct image i = { .program = { .path = "/home/u/.local/bin/claude", .owner = 1000 },
			   .identity = "66:1:2:3.4",
			   .digest = DIGEST };

	snprintf(i.name, sizeof(i.name), "%s", name);
	snprintf(i.program.file, sizeof(i.program.file), "%s", file);
	return i;
}

static void keep(struct vault *v, const char *name, const char *file)
{
	struct image i = an_image(name, file);

	assert_int_equal(vault_image_keep(v, &i, NULL), 0);
}

static unsigned version_of(struct vault *v)
{
	static struct vault_layout l;
	uint8_t *file;
	size_t n;

	assert_int_equal(vault_seal(v, &file, &n, NULL), 0);
	assert_int_equal(layout_parse(file, n, &l, NULL), 0);
	free(file);
	return l.version;
}

static void test_kept_and_read_again(void **state)
{
	struct vault *v = fresh();
	struct image script = an_image("claude", "/opt/cli.js");
	const struct image *i;

	(void)state;
	put(v, "zai", "token-of-zai");
	assert_null(vault_image(v, "claude"));
	assert_int_equal(version_of(v), 2);
	snprintf(script.interpreter.path, sizeof(script.interpreter.path), "/usr/bin/node");
	snprintf(script.interpreter.file, sizeof(script.interpreter.file), "/usr/bin/nodejs");
	script.interpreter.owner = 7;
	assert_int_equal(vault_image_keep(v, &script, NULL), 0);
	assert_int_equal(version_of(v), 5);
	v = again(v);
	i = vault_image(v, "claude");
	assert_non_null(i);
	assert_memory_equal(i, &script, sizeof(script));
	expect_token(v, "zai", "token-of-zai");
	keep(v, "claude", "/opt/claude");
	v = again(v);
	i = vault_image(v, "claude");
	assert_string_equal(i->program.file, "/opt/claude");
	assert_string_equal(i->interpreter.path, "");
	assert_null(vault_image_at(v, 1));
	assert_int_equal(vault_image_forget(v, "other", NULL), -1);
	assert_int_equal(vault_image_forget(v, "claude", NULL), 0);
	assert_int_equal(version_of(v), 2);
	vault_free(v);
}

/* The settings have their fourth field in version 5, whatever it says. */
static void test_with_a_durable_log(void **state)
{
	struct lock_settings s = { 60, 0, LOCK_EVENTS_ALL, true };
	struct vault *v = fresh();

	(void)state;
	assert_int_equal(vault_lock_settings_set(v, &s, NULL), 0);
	assert_int_equal(version_of(v), 4);
	keep(v, "claude", "/opt/claude");
	assert_int_equal(version_of(v), 5);
	v = again(v);
	s = vault_lock_settings(v);
	assert_true(s.durable);
	s.durable = false;
	assert_int_equal(vault_lock_settings_set(v, &s, NULL), 0);
	v = again(v);
	assert_false(vault_lock_settings(v).durable);
	assert_int_equal(vault_lock_settings(v).idle, 60);
	assert_non_null(vault_image(v, "claude"));
	vault_free(v);
}

static void test_the_oldest_goes(void **state)
{
	struct vault *v = fresh();
	char name[8];
	int i;

	(void)state;
	for (i = 0; i < IMAGES_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		keep(v, name, "/opt/x");
	}
	keep(v, "n0", "/opt/y");
	keep(v, "more", "/opt/x");
	v = again(v);
	assert_non_null(vault_image(v, "n0"));
	assert_null(vault_image(v, "n1"));
	assert_non_null(vault_image(v, "n2"));
	assert_string_equal(vault_image_at(v, IMAGES_MAX - 1)->name, "more");
	vault_free(v);
}

static void test_undo(void **state)
{
	struct vault *v = fresh();

	(void)state;
	keep(v, "claude", "/opt/one");
	vault_undo(v);
	assert_null(vault_image(v, "claude"));
	keep(v, "claude", "/opt/one");
	keep(v, "claude", "/opt/two");
	vault_undo(v);
	assert_string_equal(vault_image(v, "claude")->program.file, "/opt/one");
	assert_int_equal(vault_image_forget(v, "claude", NULL), 0);
	vault_undo(v);
	assert_string_equal(vault_image(v, "claude")->program.file, "/opt/one");
	vault_free(v);
}

static void test_refused(void **state)
{
	struct vault *v = fresh();
	struct image good = an_image("claude", "/opt/claude"), i;

	(void)state;
	i = good;
	i.digest[0] = '\0';
	assert_int_equal(vault_image_keep(v, &i, NULL), -1);
	i = good;
	i.name[0] = '/';
	assert_int_equal(vault_image_keep(v, &i, NULL), -1);
	i = good;
	i.program.path[0] = 'x';
	assert_int_equal(vault_image_keep(v, &i, NULL), -1);
	i = good;
	i.program.file[3] = '\n';
	assert_int_equal(vault_image_keep(v, &i, NULL), -1);
	i = good;
	i.identity[0] = 'x';
	assert_int_equal(vault_image_keep(v, &i, NULL), -1);
	assert_null(vault_image_at(v, 0));
	vault_free(v);
}

static bool keep_all(const struct entry *e)
{
	(void)e;
	return true;
}

/* A backup is for another machine, too; what a lock spares goes on being compared. */
static void test_backup_and_lock(void **state)
{
	struct slot_info info = { .kind = SLOT_KEYRING, .label = "b" };
	struct vault *v = fresh(), *b;
	uint8_t *file;
	size_t n;

	(void)state;
	put(v, "zai", "token-of-zai");
	keep(v, "claude", "/opt/claude");
	assert_int_equal(vault_backup(v, &info, key_b, &file, &n, NULL), 0);
	b = vault_open(arena, file, n, 1, key_b, NULL);
	assert_non_null(b);
	assert_null(vault_image(b, "claude"));
	expect_token(b, "zai", "token-of-zai");
	free(file);
	vault_free(b);
	v = vault_narrow(v, keep_all);
	assert_non_null(vault_image(v, "claude"));
	keep(v, "claude", "/opt/other");
	assert_string_equal(vault_image(v, "claude")->program.file, "/opt/other");
	vault_free(v);
}

static void test_described(void **state)
{
	struct image i = an_image("claude", "/home/u/.local/bin/claude");
	char text[IMAGE_TEXT];

	(void)state;
	image_describe(&i, text);
	assert_string_equal(text, "program /home/u/.local/bin/claude of uid 1000");
	snprintf(i.program.file, sizeof(i.program.file), "/opt/cli.js");
	snprintf(i.interpreter.path, sizeof(i.interpreter.path), "/usr/bin/node");
	snprintf(i.interpreter.file, sizeof(i.interpreter.file), "/usr/bin/node");
	image_describe(&i, text);
	assert_string_equal(text, "script /home/u/.local/bin/claude (/opt/cli.js) of uid 1000, "
				  "run by /usr/bin/node of uid 0");
}

/* Of a file that is longer than it says, not more is read than may be. */
static void test_a_digest_of_so_many_bytes(void **state)
{
	uint8_t all[BLAKE2B_256_LEN], two[BLAKE2B_256_LEN];
	int fds[2];

	(void)state;
	blake2b_256(all, "abcde", 5, NULL, 0);
	fds[0] = memfd_create("first", 0);
	fds[1] = memfd_create("second", 0);
	assert_int_equal(write(fds[0], "abc", 3), 3);
	assert_int_equal(write(fds[1], "de", 2), 2);
	lseek(fds[0], 0, SEEK_SET);
	lseek(fds[1], 0, SEEK_SET);
	assert_int_equal(blake2b_256_files(two, fds, 2, 5), 0);
	assert_memory_equal(all, two, sizeof(all));
	lseek(fds[0], 0, SEEK_SET);
	lseek(fds[1], 0, SEEK_SET);
	assert_int_equal(blake2b_256_files(two, fds, 2, 4), -1);
	assert_int_equal(errno, EFBIG);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept_and_read_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_with_a_durable_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_oldest_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_backup_and_lock, setup, teardown),
		cmocka_unit_test(test_a_digest_of_so_many_bytes),
		cmocka_unit_test(test_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
