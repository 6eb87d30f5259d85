/*
 * tests/relay/test_authorities.c - of a bundle of authorities, those that count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/authorities.h"

/* What is read is DER, and which it is does not matter: SEQUENCE { INTEGER n }. */
#define BODY_1 "MAMCAQE="
#define BODY_2 "MAMCAQI="
#define BODY_3 "MAMCAQM="
#define PEM(body) "-----BEGIN CERTIFICATE-----\n" body "\n-----END CERTIFICATE-----\n"
/* SEQUENCE { INTEGER 2 } SEQUENCE { INTEGER 9 }: the second says for what it is trusted. */
#define TRUSTED_2                                                                  \
	"-----BEGIN TRUSTED CERTIFICATE-----\nMAMCAQIwAwIBCQ==\n-----END TRUSTED " \
	"CERTIFICATE-----\n"
#define KEY "-----BEGIN PRIVATE KEY-----\nMAMCAQc=\n-----END PRIVATE KEY-----\n"

static char root[] = "/tmp/authorities-XXXXXX";

static const char *in_root(const char *name)
{
	static char path[4][256];
	static unsigned at;
	char *p = path[at++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", root, name);
	return p;
}

static void write_bytes(const char *name, const void *p, size_t n)
{
	FILE *f = fopen(in_root(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static int make(void **state)
{
	(void)state;
	strcpy(strrchr(root, '-') + 1, "XXXXXX");
	assert_non_null(mkdtemp(root));
	mkdir(in_root("shipped"), 0700);
	mkdir(in_root("added"), 0700);
	mkdir(in_root("added/deeper"), 0700);
	write_text("bundle", "# comment\n" PEM(BODY_1) PEM(BODY_2) KEY PEM(BODY_3));
	return 0;
}

static int unmake(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

/* The bodies that count are these, in this order, and so many do not. */
static void counts(const char *bundle, const char *shipped, const char *bodies, unsigned left)
{
	const char *const places[] = { in_root("none"), in_root("added"), NULL };
	char *pem, found[64] = "", *p;
	unsigned left_out;
	size_t n;

	assert_int_equal(authorities_read(bundle, shipped, places, &pem, &n, &left_out, NULL), 0);
	assert_int_equal(strlen(pem), n);
	for (p = pem; (p = strstr(p, "MAMCAQ")) != NULL; p++)
		strncat(found, p + 6, 1);
	assert_string_equal(found, bodies);
	assert_int_equal(left_out, left);
	assert_null(strstr(pem, "PRIVATE"));
	free(pem);
}

static void test_shipped_by_themselves(void **state)
{
	(void)state;
	write_text("shipped/one.crt", PEM(BODY_1));
	write_text("shipped/three.crt", PEM(BODY_3));
	write_text("shipped/not-in-the-bundle.crt", PEM("MAMCAQQ="));
	counts(in_root("bundle"), in_root("shipped"), "EM", 1);
	/* Also where an administrator has a copy. */
	write_text("added/one.crt", PEM(BODY_1));
	counts(in_root("bundle"), in_root("shipped"), "EM", 1);
}

static void test_all_but_what_was_added(void **state)
{
	static const unsigned char der[] = { 0x30, 3, 2, 1, 3 };

	(void)state;
	counts(in_root("bundle"), in_root("none"), "EIM", 0);
	write_text("added/deeper/two.crt", "junk\n" TRUSTED_2);
	counts(in_root("bundle"), in_root("none"), "EM", 1);
	write_bytes("added/three.der", der, sizeof(der));
	counts(in_root("bundle"), in_root("none"), "E", 2);
	write_text("elsewhere", PEM(BODY_1));
	assert_int_equal(symlink(in_root("elsewhere"), in_root("added/link.crt")), 0);
	counts(in_root("bundle"), in_root("none"), "", 3);
}

/* Those that make a bundle (p11-kit) go on behind it. */
static void test_behind_what_cannot_be_read(void **state)
{
	(void)state;
	write_text("added/two.crt", "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n"
				    "-----BEGIN X-----\n-----END Y-----\n" PEM(BODY_2));
	counts(in_root("bundle"), in_root("none"), "EM", 1);
}

static void test_what_is_no_certificate(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(in_root("added/fifo"), 0600), 0);
	write_text("added/empty", "");
	write_text("added/cut.pem", "-----BEGIN CERTIFICATE-----\nMAMC");
	assert_int_equal(symlink(".", in_root("added/deeper/circle")), 0);
	counts(in_root("bundle"), in_root("none"), "EIM", 0);
}

static void test_no_bundle(void **state)
{
	(void)state;
	counts(in_root("none"), in_root("none"), "", 0);
	counts(in_root("none"), in_root("shipped"), "", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shipped_by_themselves, make, unmake),
		cmocka_unit_test_setup_teardown(test_all_but_what_was_added, make, unmake),
		cmocka_unit_test_setup_teardown(test_behind_what_cannot_be_read, make, unmake),
		cmocka_unit_test_setup_teardown(test_what_is_no_certificate, make, unmake),
		cmocka_unit_test_setup_teardown(test_no_bundle, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
