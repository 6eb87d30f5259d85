/*
 * client/digest.c - ccctl digest, which ccrun runs: the digest of a program that it is going
 * to execute, and the question to a person whether that may have a key.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "client/common/terminal.h"
#include "client/verbs.h"
#include "vault/crypto.h"

static int digest_ask(const char *was, const char *is, const char *digest, struct failure *f)
{
	bool yes = false;

	terminal_say("This is not the program of the last launch, or not in its place:");
	terminal_say("  last time  %s", was);
	terminal_say("  now        %s", is);
	terminal_say("             BLAKE2b-256 %s", digest);
	if (terminal_yes("start it with the key, and take it for the right one from now on?", &yes,
			 f) != 0)
		return -1;
	return yes ? 0 : fail_set(f, FAIL_POLICY, NULL, "another program was not agreed to");
}

/* digest 0|3 [WAS IS]: of standard input and, with 3, of descriptor 3 behind it. */
int verb_digest(struct client *c, int argc, char **argv, struct failure *f)
{
	static const int fds[] = { STDIN_FILENO, 3 };
	char text[2 * BLAKE2B_256_LEN + 1];
	uint8_t hash[BLAKE2B_256_LEN];

	(void)c;
	if (argc != 2 && argc != 4)
		return fail_set(f, FAIL_USAGE, NULL, "digest is for ccrun");
	if (blake2b_256_files(hash, fds, strcmp(argv[1], "3") == 0 ? 2 : 1) != 0)
		return fail_errno(f, NULL, "cannot read the program");
	hex_encode(text, hash, sizeof(hash));
	if (argc == 4 && digest_ask(argv[2], argv[3], text, f) != 0)
		return -1;
	puts(text);
	return EXIT_DONE;
}
