/*
 * vault/keytext.c - a slot's key as a line of text.
 */
#include "vault/keytext.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/fail.h"
#include "vault/bytes.h"

#define KEY_WORD "ccrun-key-1 "

size_t keytext_format(const uint8_t vault[VAULT_ID_LEN], uint32_t slot, const uint8_t key[KEY_LEN],
		      char text[KEYTEXT_MAX])
{
	char id[VAULT_ID_LEN * 2 + 1];
	int n;

	sodium_bin2hex(id, sizeof(id), vault, VAULT_ID_LEN);
	n = snprintf(text, KEYTEXT_MAX, KEY_WORD "%s %" PRIu32 " ", id, slot);
	sodium_bin2hex(text + n, KEY_LEN * 2 + 1, key, KEY_LEN);
	n += KEY_LEN * 2;
	memcpy(text + n, "\n", 2);
	return (size_t)n + 1;
}

static int keytext_fail(uint8_t *key, struct failure *f)
{
	sodium_memzero(key, KEY_LEN);
	return fail_set(f, FAIL_DAMAGED, "remove the slot and add it again",
			"this is no key of ccrun's");
}

int keytext_parse(const char *text, size_t n, uint8_t vault[VAULT_ID_LEN], uint32_t *slot,
		  uint8_t *key, struct failure *f)
{
	size_t word = sizeof(KEY_WORD) - 1, at, len, digits;
	uint64_t number = 0;

	sodium_memzero(key, KEY_LEN);
	n = bytes_line_length(text, n);
	if (n < word + VAULT_ID_LEN * 2 + 1 + 1 + 1 + KEY_LEN * 2)
		return n == 0 || memcmp(text, KEY_WORD, n < word ? n : word) == 0
			       ? fail_set(f, FAIL_TRUNCATED, "remove the slot and add it again",
					  "the key is cut off after %zu bytes", n)
			       : keytext_fail(key, f);
	at = word + VAULT_ID_LEN * 2;
	if (memcmp(text, KEY_WORD, word) != 0 || text[at] != ' ' ||
	    sodium_hex2bin(vault, VAULT_ID_LEN, text + word, VAULT_ID_LEN * 2, NULL, &len, NULL) !=
		    0 ||
	    len != VAULT_ID_LEN)
		return keytext_fail(key, f);
	for (at++, digits = 0; at < n && text[at] >= '0' && text[at] <= '9' && digits < 10;
	     at++, digits++)
		number = number * 10 + (uint64_t)(text[at] - '0');
	if (digits == 0 || number == 0 || number > UINT32_MAX || n - at != 1 + KEY_LEN * 2 ||
	    text[at] != ' ' ||
	    sodium_hex2bin(key, KEY_LEN, text + at + 1, KEY_LEN * 2, NULL, &len, NULL) != 0 ||
	    len != KEY_LEN)
		return keytext_fail(key, f);
	*slot = (uint32_t)number;
	return 0;
}
