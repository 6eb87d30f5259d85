/*
 * client/digest.c - ccctl digest, which ccrun runs: the digest of a program that it is going
 * to execute, and the question to a person whether that may have a key.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "client/common/terminal.h"
#include "client/verbs.h"
#include "vault/crypto.h"
#include "wire/image.h"

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

/* What can be executed is a regular file.  A size may be a lie: reading has the limit too. */
static int digest_files(uint8_t hash[BLAKE2B_256_LEN], const int *fds, unsigned n,
			struct failure *f)
{
	struct stat st;
	unsigned i;

	for (i = 0; i < n; i++)
		if (fstat(fds[i], &st) != 0 || !S_ISREG(st.st_mode))
			return fail_set(f, FAIL_BAD_VALUE, NULL,
					"the program, or its interpreter, is no regular file");
	if (blake2b_256_files(hash, fds, n, IMAGE_BYTES_MAX) == 0)
		return 0;
	if (errno == EFBIG)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the program is larger than %lld MiB",
				IMAGE_BYTES_MAX >> 20);
	return fail_errno(f, NULL, "cannot read the program");
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
	if (digest_files(hash, fds, strcmp(argv[1], "3") == 0 ? 2 : 1, f) != 0)
		return -1;
	hex_encode(text, hash, sizeof(hash));
	if (argc == 4 && digest_ask(argv[2], argv[3], text, f) != 0)
		return -1;
	puts(text);
	return EXIT_DONE;
}
