/*
 * tests/fuzz/fuzz_text.c - what people write and paste: INI files, keys, addresses, commands.
 *
 * The first byte says which (i an INI file, k a key, a an address, c a command).  What is
 * checked besides memory: a value that was set is read back, and nothing else changed; a key
 * lies within what was pasted, and is found again in itself; an address that was corrected
 * stays as it is; a command's words are read back from its text.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fail.h"
#include "config/ini/ini_edit.h"
#include "config/ini/ini_file.h"
#include "config/source/command.h"
#include "tests/fuzz/fuzz.h"
#include "wire/endpoint.h"
#include "wire/limits.h"
#include "wire/names.h"
#include "wire/pasted.h"

static void check_edit(const char *text, size_t n, const struct ini_file *file, unsigned which)
{
	const struct ini_item *changed = &file->item[which % file->items], *now;
	struct ini_file *after;
	char *out = NULL;
	size_t len;
	unsigned i;

	if (!changed->key || strncmp(changed->key, "header:", 7) == 0 ||
	    ini_edit("x", text, n, changed->section, changed->key, "v # \\ x", &out, &len, NULL) !=
		    0)
		return;
	MUST(ini_file_parse("x", out, len, &after, NULL) == 0 && after->items == file->items);
	for (i = 0; i < file->items; i++) {
		if (!file->item[i].key)
			continue;
		now = ini_file_get(after, file->item[i].section, file->item[i].key);
		MUST(now &&
		     strcmp(now->value,
			    &file->item[i] == changed ? "v # \\ x" : file->item[i].value) == 0);
	}
	ini_file_free(after);
	free(out);
}

static void read_ini(const char *text, size_t n, unsigned which)
{
	struct failure f = { 0 };
	struct ini_file *file;

	if (ini_file_parse("x", text, n, &file, &f) != 0) {
		MUST(f.code == FAIL_CONFIG || f.code == FAIL_TOO_LARGE);
		return;
	}
	fuzz_understood++;
	if (file->items > 0)
		check_edit(text, n, file, which);
	ini_file_free(file);
}

static void read_key(const uint8_t *p, size_t n, bool header)
{
	const char *carrier = header ? "header:x-team" : "ANTHROPIC_AUTH_TOKEN";
	struct failure f = { 0 };
	struct pasted k, again;

	if (pasted_find(&k, p, n, carrier, &f) != 0) {
		MUST(f.code == FAIL_BAD_VALUE);
		return;
	}
	MUST(k.p >= p && k.n <= n && k.p + k.n <= p + n);
	if (wire_token_check(k.p, k.n, NULL) != 0)
		return;
	fuzz_understood++;
	MUST(pasted_find(&again, k.p, k.n, carrier, NULL) != 0 || again.n <= k.n);
}

static void read_address(char *text, bool drop)
{
	struct endpoint before, after;
	const char *why = endpoint_parse(text, &before);
	char *copy;

	endpoint_correct(text, drop);
	copy = strdup(text);
	MUST(copy && endpoint_correct(copy, drop) == 0 && strcmp(copy, text) == 0);
	free(copy);
	if (why)
		return;
	fuzz_understood++;
	MUST(endpoint_parse(text, &after) == NULL);
	MUST(strcasecmp(before.host, after.host) == 0 && before.tls == after.tls &&
	     before.local == after.local);
}

static void read_command(const char *text)
{
	struct command_words w, again;
	char *line;
	unsigned i;

	if (command_split(text, &w, NULL) != 0) {
		command_free(&w);
		return;
	}
	fuzz_understood++;
	line = malloc(2 * SOURCE_COMMAND_MAX + 1);
	MUST(line != NULL);
	if (command_format((const char *const *)w.v, w.n, line, 2 * SOURCE_COMMAND_MAX + 1, NULL) ==
	    0) {
		MUST(command_split(line, &again, NULL) == 0 && again.n == w.n);
		for (i = 0; i < w.n; i++)
			MUST(strcmp(w.v[i], again.v[i]) == 0);
		command_free(&again);
	}
	free(line);
	command_free(&w);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(fuzz_at_exit);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text;

	if (n < 2)
		return 0;
	fuzz_inputs++;
	if (p[0] == 'k') {
		read_key(p + 2, n - 2, p[1] & 1);
		return 0;
	}
	text = malloc(n - 1);
	MUST(text != NULL);
	memcpy(text, p + 2, n - 2);
	text[n - 2] = '\0';
	if (p[0] == 'i')
		read_ini(text, n - 2, p[1]);
	else if (p[0] == 'c')
		read_command(text);
	else
		read_address(text, p[1] & 1);
	free(text);
	return 0;
}
