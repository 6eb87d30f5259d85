/*
 * client/slots/other_host.c - the host for which a keyfile is made here.
 */
#include "client/slots/other_host.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "client/slots/host_key.h"

/* "host=KEY", as --allow has it. */
static void host_word(const struct other_host *h, char word[HOST_PUBLIC_TEXT])
{
	char line[HOST_PUBLIC_TEXT];
	const char *key;

	host_public_format(h->public, h->name, line);
	key = strchr(line, ' ') + 1;
	snprintf(word, HOST_PUBLIC_TEXT, "host=%.*s", (int)strcspn(key, " "), key);
}

int other_host_settle(const char *file, const char *allowed, struct other_host *out,
		      struct failure *f)
{
	char word[HOST_PUBLIC_TEXT];
	bool agreed;

	if (host_read_public(file, out->public, out->name, f) != 0)
		return -1;
	host_word(out, word);
	if (allowed && strcmp(allowed, word) == 0)
		return 0;
	if (!terminal_asks()) {
		fail_set(f, FAIL_POLICY, NULL,
			 "%.160s: the vault would open for whoever has the key pair of %s", file,
			 word);
		fail_hint(f, "if that host says that it is its own (ccctl host show): --allow %s",
			  word);
		return -1;
	}
	say("%s: %s, with the key", file, out->name);
	say("    %s", strchr(word, '=') + 1);
	if (terminal_yes("does ccctl host show print that key there, and may it open the vault?",
			 &agreed, f) != 0)
		return -1;
	return agreed ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}
