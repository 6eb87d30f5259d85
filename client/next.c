/*
 * client/next.c - what a person does next: no vault, a locked one, no key yet, ready.
 */
#include "client/next.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/entries.h"

#define COMMAND_WIDTH 24

static void next_line(const char *command, const char *what)
{
	printf("    %-*s%s\n", COMMAND_WIDTH, command, what);
}

static void next_without_vault(void)
{
	puts("There is no vault yet.  Next:\n");
	next_line("ccrun PROVIDER", "asks for all that it needs, and starts claude");
	next_line("ccctl init", "only make the vault, and choose its passphrase");
	next_line("ccctl import", "move keys in from shell files and wrapper scripts");
}

static void next_locked(void)
{
	puts("The vault is locked.  Next:\n");
	next_line("ccctl unlock", "open it; so does the next ccrun");
	next_line("ccctl slot list", "what opens it");
}

static void next_empty(void)
{
	puts("The vault is open, and has no key yet.  Next:\n");
	next_line("ccctl list --all", "the providers that there are");
	next_line("ccctl add PROVIDER", "store a key: typed, pasted or piped in");
	next_line("ccctl import", "move keys in from shell files and wrapper scripts");
}

static void next_ready(unsigned keys)
{
	printf("The vault is open, with %u %s.  Next:\n\n", keys, keys == 1 ? "key" : "keys");
	next_line("ccrun PROVIDER", "start claude");
	next_line("ccctl list", "which providers have their key");
	next_line("ccctl limit NAME 5M/day", "how much of a key may be used");
	next_line("ccctl lock", "wipe every key, in running sessions too");
}

void next_print(struct client *c)
{
	struct failure f = { 0 };
	struct listed *list = NULL;
	unsigned n = 0;

	if (client_connect(c, false, &f) != 0) {
		if (f.code != FAIL_NO_BROKER)
			fail_print("ccctl", &f);
		else if (user_vault_file_exists())
			next_locked();
		else
			next_without_vault();
	} else if (strcmp(c->state, "none") == 0) {
		next_without_vault();
	} else if (strcmp(c->state, "locked") == 0) {
		next_locked();
	} else if (entries_fetch(c, &list, &n, &f) != 0) {
		fail_print("ccctl", &f);
	} else if (n == 0) {
		next_empty();
	} else {
		next_ready(n);
	}
	free(list);
	puts("\nccctl help lists the verbs.");
}
