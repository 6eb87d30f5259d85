/*
 * spec/words.c - what placeholders stand for, and what exit statuses say.
 */
#include <stddef.h>
#include <string.h>

#include "base/fail.h"
#include "spec/spec.h"

const struct placeholder_spec spec_placeholders[] = {
	{ "PROVIDER", WORD_PROVIDER, "a provider" },
	{ "PROVIDER[:MODE]", WORD_PROVIDER_MODE, "a provider, and a mode that its file has" },
	{ "NAME", WORD_ENTRY, "an entry of the vault" },
	{ "NAME[:MODE]", WORD_ENTRY_OR_PROVIDER_MODE, "an entry of the vault, or a provider" },
	{ "NEW-NAME", WORD_OTHER, "a name that is free" },
	{ "SLOT", WORD_SLOT, "the number of a slot" },
	{ "KIND", WORD_SLOT_KIND, "a kind of slot" },
	{ "SESSION", WORD_SESSION, "the first digits of a session's id" },
	{ "LAUNCH", WORD_LAUNCH, "the id of a launch that waits" },
	{ "LINK", WORD_LINK, "a command that link made" },
	{ "COMMAND", WORD_OTHER, "the name of a new command" },
	{ "VERB", WORD_VERB, "a verb of ccctl" },
	{ "SETTING=VALUE", WORD_SETTING, "a setting of the vault" },
	{ "PARAMETER=VALUE", WORD_PARAMETER, "a parameter that the provider's file asks for" },
	{ "MODEL", WORD_MODEL, "a model, or an alias of one" },
	{ "KEY=VALUE", WORD_OTHER, "a key and its value" },
	{ "--MODE", WORD_MODE, "a mode of the provider, as an option" },
	{ "FILE", WORD_FILE, "a file" },
	{ "HOST.pub", WORD_FILE, "the public key of a host" },
	{ "PATH", WORD_FILE, "a file or a directory" },
	{ "INPUT", WORD_FILE, "a file" },
	{ "DIRECTORY", WORD_DIRECTORY, "a directory" },
	{ "PROGRAM", WORD_PROGRAM, "a program" },
	{ "ARGUMENT", WORD_CLAUDE, "an argument of claude" },
	{ "N", WORD_OTHER, "a number" },
	{ "TIME", WORD_OTHER, "a length of time, like 12h" },
	{ "DAY", WORD_OTHER, "a day, or how long ago" },
	{ "LIMIT", WORD_LIMIT, "a limit, like 5M/day" },
	{ "SECONDS", WORD_OTHER, "a number of seconds" },
	{ "REFERENCE", WORD_OTHER, "a reference, like pass:ai/zai" },
	{ "TEXT", WORD_OTHER, "some words" },
	{ "WORD", WORD_OTHER, "what the verb takes" },
	{ "WAS", WORD_OTHER, "a digest" },
	{ "IS", WORD_OTHER, "a digest" },
	{ NULL, WORD_OTHER, NULL },
};

/* base/fail.h names the codes. */
const struct exit_spec spec_exits[] = {
	{ EXIT_DONE, "ccctl", "Done." },
	{ EXIT_FAILED, "ccctl", "Failed." },
	{ EXIT_USAGE, "ccctl", "Wrong arguments, or a question was to be asked" },
	{ EXIT_LOCKED, "ccctl", "The vault is locked." },
	{ EXIT_NO_SUCH, "ccctl", "Not found: vault, entry or provider." },
	{ EXIT_REFUSED, "ccctl", "Refused: wrong passphrase," },
	{ EXIT_UNTRIED, "ccctl", "Not tried: only a launch can try that provider" },
	{ EXIT_CCRUN, "ccrun", "Any other failure." },
	{ EXIT_CANNOT_EXEC, "ccrun", "The program cannot be executed." },
	{ EXIT_NOT_FOUND, "ccrun", "The program was not found." },
	{ 0, NULL, NULL },
};

enum word_kind placeholder_kind(const char *name, size_t n)
{
	const struct placeholder_spec *p;

	for (p = spec_placeholders; p->name; p++)
		if (strlen(p->name) == n && memcmp(p->name, name, n) == 0)
			return p->kind;
	return WORD_OTHER;
}

const struct option_spec *option_spec_find(const struct option_spec *options, const char *word)
{
	const struct option_spec *o;
	size_t n;

	for (o = options; o->name || o->letter; o++) {
		if (o->letter && word[0] == '-' && word[1] == o->letter && !word[2])
			return o;
		if (!o->name || strncmp(word, "--", 2) != 0)
			continue;
		n = strlen(o->name);
		if (strncmp(word + 2, o->name, n) == 0 &&
		    (!word[2 + n] || (o->argument && word[2 + n] == '=')))
			return o;
	}
	return NULL;
}
