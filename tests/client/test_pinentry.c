/*
 * tests/client/test_pinentry.c - questions by way of pinentry: what is said to it, what of its
 * answers is believed, and pinentries that mean harm.
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

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/locked.h"
#include "client/common/pinentry.h"
#include "client/common/secret.h"

#define ROOM 65

static char dir[] = "/tmp/pinentry-XXXXXX", program[64], heard[64];
static struct secret s;

/* A pinentry that says OK to all but the question, at which it does this. */
static void play(const char *first, const char *at_question)
{
	FILE *file = fopen(program, "w");

	assert_non_null(file);
	fprintf(file,
		"#!/bin/sh\nexec 3>%s\n%s\nwhile IFS= read -r line; do echo \"$line\" >&3\n"
		"case $line in GETPIN|CONFIRM) %s ;; BYE) echo OK; exit ;; *) echo OK ;; esac\n"
		"done\n",
		heard, first, at_question);
	fclose(file);
	chmod(program, 0755);
	memset(s.p, 0xee, s.room);
}

static int ask(struct failure *f)
{
	struct pinentry p = { .program = program, .description = "What is it?", .prompt = "It" };

	memset(f, 0, sizeof(*f));
	return pinentry_secret(&p, &s, NULL, f);
}

static void answered(const char *at_question, const char *want)
{
	struct failure f;

	play("echo OK hello", at_question);
	if (ask(&f) != 0)
		fail_msg("%s: %s", at_question, f.what);
	assert_int_equal(s.n, strlen(want));
	assert_memory_equal(s.p, want, s.n);
}

static void refused(const char *first, const char *at_question, enum fail_code code,
		    const char *why)
{
	static const uint8_t zeros[ROOM];
	struct failure f;

	play(first, at_question);
	assert_int_equal(ask(&f), -1);
	if (f.code != code || !strstr(f.what, why))
		fail_msg("%s: '%s', expected '%s'", at_question, f.what, why);
	/* Nothing of it stays, where the question was reached. */
	if (s.p[0] != 0xee)
		assert_memory_equal(s.p, zeros, ROOM);
}

static void test_answers(void **state)
{
	(void)state;
	answered("echo D secret; echo OK", "secret");
	answered("echo OK", "");
	answered("echo 'D '; echo OK", "");
	answered("echo '# of no account'; echo 'S FYI'; echo 'D se'; echo 'D cret'; echo OK",
		 "secret");
	answered("echo 'D a%25b%0Ac%0dd%C3%a4'; echo OK this ends it", "a%b\nc\rd\303\244");
	answered("printf 'D sec'; sleep 0.1; printf 'ret\\nO'; sleep 0.1; echo K", "secret");
	/* As long as it may be: the room less one. */
	answered("printf 'D %064d\\nOK\\n' 0",
		 "0000000000000000000000000000000000000000000000000000000000000000");
}

static void test_what_is_said(void **state)
{
	struct pinentry p = { .program = program,
			      .description = "one\ntwo 100%\001",
			      .prompt = "It",
			      .error = "wrong",
			      .repeat = "Again" };
	char *text;
	struct failure f = { 0 };
	bool repeated = false;
	size_t n;

	(void)state;
	play("echo OK", "echo S PIN_REPEATED; echo D x; echo OK");
	setenv("LC_ALL", "C.UTF-8", 1);
	if (pinentry_secret(&p, &s, &repeated, &f) != 0)
		fail_msg("%s", f.what);
	unsetenv("LC_ALL");
	assert_true(repeated);
	assert_int_equal(io_slurp(heard, 65536, &text, &n, &f), 0);
	assert_non_null(strstr(text, "OPTION lc-ctype=C.UTF-8\n"));
	assert_non_null(strstr(text, "SETTITLE ccrun\nSETDESC one%0Atwo 100%25%01\nSETPROMPT It\n"
				     "SETERROR wrong\nSETREPEAT Again\n"));
	assert_non_null(strstr(text, "\nGETPIN\nBYE\n"));
	free(text);
	/* An old one, that cannot repeat: then the caller must ask again. */
	play("echo OK", "echo D x; echo OK");
	assert_int_equal(pinentry_secret(&p, &s, &repeated, &f), 0);
	assert_false(repeated);
}

static bool told(const char *line)
{
	struct failure f;
	bool found;
	char *text;
	size_t n;

	assert_int_equal(io_slurp(heard, 65536, &text, &n, &f), 0);
	found = strstr(text, line) != NULL;
	free(text);
	return found;
}

/* No file of the person's home is found; the cookie of their display is. */
static void test_no_home(void **state)
{
	char cookie[96], line[128];
	FILE *file;

	(void)state;
	setenv("HOME", dir, 1);
	setenv("XDG_CONFIG_HOME", dir, 1);
	setenv("XDG_DATA_HOME", dir, 1);
	unsetenv("XAUTHORITY");
	snprintf(cookie, sizeof(cookie), "%s/.Xauthority", dir);
	file = fopen(cookie, "w");
	assert_non_null(file);
	fclose(file);
	play("echo OK; env >&3", "echo OK");
	assert_int_equal(ask(&(struct failure){ 0 }), 0);
	assert_true(told("HOME=/\n") && told("XDG_CONFIG_HOME=/nonexistent\n") &&
		    told("XDG_DATA_HOME=/nonexistent\n"));
	snprintf(line, sizeof(line), "XAUTHORITY=%s\n", cookie);
	assert_true(told(line));
	snprintf(line, sizeof(line), "HOME=%s\n", dir);
	assert_false(told(line));
	setenv("XAUTHORITY", "/of/mine", 1);
	assert_int_equal(ask(&(struct failure){ 0 }), 0);
	assert_true(told("XAUTHORITY=/of/mine\n"));
	unsetenv("XAUTHORITY");
	unlink(cookie);
	assert_int_equal(ask(&(struct failure){ 0 }), 0);
	assert_false(told("XAUTHORITY="));
}

static void test_errors(void **state)
{
	(void)state;
	refused("echo OK", "echo ERR 83886179 Operation cancelled; ", FAIL_DECLINED,
		"cancelled: nothing was typed");
	refused("echo OK", "echo D secret; echo ERR 83886179", FAIL_DECLINED, "cancelled");
	refused("echo OK", "echo ERR 83886142 Timeout", FAIL_TIMEOUT, "nobody answered");
	refused("echo OK", "printf 'ERR 83918950 \\033[31mno device\\n'", FAIL_PROGRAM,
		"?[31mno device (83918950)");
	refused("echo ERR 1 not now", "echo OK", FAIL_PROGRAM, "not now");
}

static void test_hostile(void **state)
{
	(void)state;
	refused("echo OK", "head -c 1001 /dev/zero | tr '\\0' a; sleep 60", FAIL_TOO_LARGE,
		"a line of over 1000 bytes");
	refused("yes | tr -d '\\n'", "echo OK", FAIL_TOO_LARGE, "a line of over");
	refused("echo OK", "yes '# again'", FAIL_TOO_LARGE, "writes without an end");
	refused("echo OK", "yes 'D 0123456789'", FAIL_TOO_LARGE, "longer than 64 bytes");
	refused("echo OK", "printf 'D %065d\\nOK\\n' 0", FAIL_TOO_LARGE, "longer than 64 bytes");
	refused("echo OK", "echo D secret; exit", FAIL_PROGRAM, "ended without an answer");
	refused("echo OK", "echo D secret; kill -9 $$", FAIL_PROGRAM, "ended without an answer");
	refused("exit", "echo OK", FAIL_PROGRAM, "ended without an answer");
	refused("echo OK", "printf 'D se\\0cret\\nOK\\n'", FAIL_BAD_VALUE, "writes a NUL");
	refused("echo OK", "echo 'D se%00cret'; echo OK", FAIL_BAD_VALUE, "escapes a byte wrongly");
	refused("echo OK", "echo 'D secret%4'; echo OK", FAIL_BAD_VALUE, "escapes a byte wrongly");
	refused("echo OK", "echo 'D secret%zz'; echo OK", FAIL_BAD_VALUE, "escapes a byte wrongly");
	refused("echo OK", "echo 'INQUIRE QUALITY secret'", FAIL_BAD_VALUE, "does not speak");
	refused("echo OK", "echo OKAY", FAIL_BAD_VALUE, "does not speak");
	refused("echo OK", "echo ERR x", FAIL_BAD_VALUE, "does not speak");
	refused("echo OK", "echo", FAIL_BAD_VALUE, "does not speak");
	refused("echo hello", "echo OK", FAIL_BAD_VALUE, "does not speak");
	refused("echo D unasked", "echo OK", FAIL_BAD_VALUE, "that nobody asked for");
	/* One that does not end is ended. */
	refused("echo OK", "trap '' TERM; echo nonsense; exec sleep 600", FAIL_BAD_VALUE,
		"does not speak");
	unlink(program);
	assert_int_equal(ask(&(struct failure){ 0 }), -1);
}

static void test_confirm(void **state)
{
	struct pinentry p = { .program = program, .description = "Start it?" };
	struct failure f = { 0 };
	bool yes = false;

	(void)state;
	play("echo OK", "echo OK");
	assert_int_equal(pinentry_confirm(&p, &yes, &f), 0);
	assert_true(yes);
	play("echo OK", "echo ERR 83886194 Not confirmed");
	assert_int_equal(pinentry_confirm(&p, &yes, &f), 0);
	assert_false(yes);
	play("echo OK", "echo ERR 83886179 Operation cancelled");
	yes = true;
	assert_int_equal(pinentry_confirm(&p, &yes, &f), 0);
	assert_false(yes);
	play("echo OK", "exit");
	yes = true;
	assert_int_equal(pinentry_confirm(&p, &yes, &f), -1);
	assert_false(yes);
	play("echo OK", "echo D yes; echo OK");
	assert_int_equal(pinentry_confirm(&p, &yes, &f), -1);
	assert_false(yes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers), cmocka_unit_test(test_what_is_said),
		cmocka_unit_test(test_errors),	cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_confirm), cmocka_unit_test(test_no_home),
	};
	int r;

	if (!mkdtemp(dir))
		return 1;
	snprintf(program, sizeof(program), "%s/pinentry", dir);
	snprintf(heard, sizeof(heard), "%s/heard", dir);
	s.room = ROOM;
	s.p = locked_map(ROOM, NULL);
	/* Somewhere to ask, also where the tests have no terminal. */
	setenv("DISPLAY", ":0", 1);
	r = s.p ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
	locked_unmap(s.p, ROOM);
	unlink(program);
	unlink(heard);
	rmdir(dir);
	return r;
}
