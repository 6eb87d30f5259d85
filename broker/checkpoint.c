/*
 * broker/checkpoint.c - the text of a checkpoint.
 */
#include "broker/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vault/crypto.h"

#define MAGIC "ccrun-checkpoint-1"
#define MAC_HEX (BLAKE2B_256_LEN * 2)

static size_t text_body(const struct checkpoint *c, char out[CHECKPOINT_TEXT])
{
	char id[VAULT_ID_LEN * 2 + 1];

	hex_encode(id, c->vault, VAULT_ID_LEN);
	return (size_t)snprintf(out, CHECKPOINT_TEXT,
				MAGIC " %s %" PRIu64 " %" PRIu64 " %s %" PRIu64, id, c->generation,
				c->seq, c->hash, c->at);
}

static void text_mac(const char *text, size_t n, const uint8_t key[KEY_LEN], char out[MAC_HEX + 1])
{
	uint8_t mac[BLAKE2B_256_LEN];

	blake2b_256_keyed(mac, key, text, n);
	hex_encode(out, mac, sizeof(mac));
}

size_t checkpoint_format(const struct checkpoint *c, const uint8_t key[KEY_LEN],
			 char out[CHECKPOINT_TEXT])
{
	char mac[MAC_HEX + 1];
	size_t n = text_body(c, out);

	text_mac(out, n, key, mac);
	return n + (size_t)snprintf(out + n, CHECKPOINT_TEXT - n, " %s\n", mac);
}

static bool hex_decode(const char *hex, uint8_t *out, size_t n)
{
	unsigned byte;
	size_t i;

	for (i = 0; i < n; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		out[i] = (uint8_t)byte;
	}
	return true;
}

bool checkpoint_parse(struct checkpoint *c, const uint8_t key[KEY_LEN], const char *text, size_t n)
{
	char copy[CHECKPOINT_TEXT], again[CHECKPOINT_TEXT], id[VAULT_ID_LEN * 2 + 1];
	char mac[MAC_HEX + 1];
	size_t body;

	if (n <= MAC_HEX + 2 || n >= sizeof(copy) || text[n - 1] != '\n')
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	body = n - MAC_HEX - 2;
	text_mac(copy, body, key, mac);
	if (copy[body] != ' ' || !secret_equal(copy + body + 1, mac, MAC_HEX))
		return false;
	/* What is authentic was written by us: it is read back, and compared as a whole. */
	memset(c, 0, sizeof(*c));
	if (sscanf(copy, MAGIC " %32[0-9a-f] %" SCNu64 " %" SCNu64 " %64[0-9a-f] %" SCNu64, id,
		   &c->generation, &c->seq, c->hash, &c->at) != 5 ||
	    strlen(id) != sizeof(id) - 1 || !hex_decode(id, c->vault, VAULT_ID_LEN))
		return false;
	return text_body(c, again) == body && memcmp(again, copy, body) == 0;
}
