/*
 * tests/fuzz/fuzz_files.c - small files that ccrun's own programs left, which whoever runs as the
 * user may write, and what other programs answer.
 *
 * The first byte says which: s what was spent, r the end of a record, c a record's checkpoint, k a
 * key as text, y a recovery code, h a host's secret, p its public half, j a manager's JSON, m a
 * provider's list of models, t the client's settings.  Checks of lines (but for one that begins
 * with '!') are put right first: whoever can write the file can do that, and no fuzzer finds one.
 * What is checked besides memory: a file that was read, written and read again says the same; what
 * is refused is no key.
 *
 * Targets: broker/spending_file.c broker/spending_line.c broker/ledger.c broker/audit_log.c
 *	broker/checkpoint.c vault/keytext.c vault/recovery.c vault/host_key.c helpers/source/json_field.c
 *	helpers/ask/models_answer.c config/client/settings_files.c
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/fail.h"
#include "broker/audit_log.h"
#include "broker/checkpoint.h"
#include "broker/spending_file.h"
#include "broker/spending_book.h"
#include "broker/vault_store.h"
#include "config/client/settings_files.h"
#include "helpers/ask/models_answer.h"
#include "helpers/source/json_field.h"
#include "json/locked.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_directory.h"
#include "tests/fuzz/fuzz_locked.h"
#include "vault/crypto.h"
#include "vault/host_key.h"
#include "vault/keytext.h"
#include "vault/recovery.h"

static struct vault_store store;
static uint8_t key[KEY_LEN];

static void put(const char *leaf, const void *p, size_t n)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fuzz_directory, leaf);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}

static char text_checked[1 << 17];

/* Each line with its check behind it. */
static size_t spending_check_lines(const uint8_t *p, size_t n)
{
	const uint8_t *end;
	char hex[2 * BLAKE2B_256_LEN + 1];
	uint8_t hash[BLAKE2B_256_LEN];
	size_t at = 0, len;

	for (; n > 0 && at < sizeof(text_checked) / 2; p += len, n -= len) {
		end = memchr(p, '\n', n);
		len = end ? (size_t)(end - p) : n;
		memcpy(text_checked + at, p, len);
		at += len;
		if (len > 0 && *p != '!') {
			blake2b_256(hash, p, len, NULL, 0);
			hex_encode(hex, hash, 8);
			at += (size_t)snprintf(text_checked + at, 20, "\t%.16s", hex);
		}
		if (end)
			text_checked[at++] = '\n';
		len += end != NULL;
	}
	return at;
}

static void read_spending(const uint8_t *p, size_t n)
{
	struct limit_time now = { .epoch = 1795300000 };
	struct failure f = { 0 };
	struct book book;
	const char *news;
	unsigned entries;

	if (n > 8192)
		return;
	put(STORE_SPENDING, text_checked, spending_check_lines(p, n));
	memset(&book, 0, sizeof(book));
	if (book_open(&book, &store, &now, &news, &f) != 0) {
		fprintf(stderr, "%s\n", f.what);
		abort();
	}
	MUST(book.entries <= BOOK_ENTRIES_MAX);
	fuzz_understood += !news;
	entries = book.entries;
	book_close(&book);
	/* What was damaged was set aside: what is there now is whole, and says the same. */
	memset(&book, 0, sizeof(book));
	MUST(book_open(&book, &store, &now, &news, &f) == 0 && !news);
	MUST(book.entries == entries && book.opens == 0);
	book_close(&book);
}

static void read_record(const uint8_t *p, size_t n)
{
	static const struct audit_event line = { .event = "get", .result = "granted", .pid = 7 };
	struct failure f = { 0 };
	struct audit_log log;
	char hash[AUDIT_HASH_HEX + 1];
	uint64_t seq;

	put("record.jsonl", p, n);
	if (audit_open(&log, fuzz_directory, &f) != 0) {
		MUST(f.code == FAIL_DAMAGED && f.what[0]);
		return;
	}
	fuzz_understood++;
	MUST(audit_write(&log, &line, &f) == 0);
	seq = log.seq;
	memcpy(hash, log.hash, sizeof(hash));
	MUST(audit_find(&log, seq, hash) == 1 && strcmp(hash, log.hash) == 0);
	audit_close(&log);
	MUST(audit_open(&log, fuzz_directory, &f) == 0);
	MUST(log.seq == seq && strcmp(hash, log.hash) == 0);
	audit_close(&log);
}

static void read_checkpoint(const char *text, size_t n)
{
	struct checkpoint c, again;
	char out[CHECKPOINT_TEXT], hex[2 * BLAKE2B_256_LEN + 1], line[CHECKPOINT_TEXT + 80];
	uint8_t mac[BLAKE2B_256_LEN];

	if (n > CHECKPOINT_TEXT)
		return;
	blake2b_256_keyed(mac, key, text, n);
	hex_encode(hex, mac, sizeof(mac));
	memcpy(line, text, n);
	n += (size_t)snprintf(line + n, sizeof(line) - n, " %s\n", hex);
	if (!checkpoint_parse(&c, key, line, n))
		return;
	fuzz_understood++;
	MUST(checkpoint_parse(&again, key, out, checkpoint_format(&c, key, out)));
	MUST(again.seq == c.seq && again.generation == c.generation && again.at == c.at);
}

static void read_key_text(const char *text, size_t n)
{
	uint8_t vault[VAULT_ID_LEN], out[KEY_LEN];
	char again[KEYTEXT_MAX];
	uint32_t slot;

	memset(out, 1, sizeof(out));
	if (keytext_parse(text, n, vault, &slot, out, NULL) != 0) {
		MUST(sodium_is_zero(out, sizeof(out)));
		return;
	}
	fuzz_understood++;
	n = keytext_format(vault, slot, out, again);
	MUST(keytext_parse(again, n, vault, &slot, out, NULL) == 0);
}

static void read_recovery_code(const char *text, size_t n)
{
	uint8_t out[KEY_LEN];
	struct failure f = { 0 };

	if (recovery_parse(text, n, out, &f) == 0)
		fuzz_understood++;
	else
		MUST(f.code == FAIL_BAD_VALUE);
}

static void read_host(bool secret, const char *text, size_t n)
{
	uint8_t out[HOST_SEED_LEN];
	char name[HOST_NAME_MAX + 1], again[HOST_SECRET_TEXT];

	if (!secret) {
		if (host_public_parse(text, n, out, name, NULL) == 0)
			fuzz_understood += strlen(name) <= HOST_NAME_MAX;
		return;
	}
	memset(out, 1, sizeof(out));
	if (host_secret_parse(text, n, out, NULL) != 0) {
		MUST(sodium_is_zero(out, sizeof(out)));
		return;
	}
	fuzz_understood++;
	host_secret_format(out, again);
	MUST(host_secret_parse(again, strlen(again), out, NULL) == 0);
}

/* The first line is the path of the token, the second that of its end. */
static void read_field(const uint8_t *p, size_t n)
{
	const uint8_t *end = n > 0 ? memchr(p, '\n', n) : NULL, *token, *again;
	char field[2][64] = { "", "" };
	const json_t *root;
	uint64_t seconds;
	size_t len, len_again;
	int i;

	for (i = 0; i < 2 && end; i++) {
		len = (size_t)(end - p);
		snprintf(field[i], sizeof(field[i]), "%.*s", (int)len, (const char *)p);
		p = end + 1;
		n -= len + 1;
		end = n > 0 ? memchr(p, '\n', n) : NULL;
	}
	MUST(js_locked_begin(js_locked_room(n), NULL) == 0);
	root = js_field_parse(p, n, NULL);
	if (root && js_field_text(root, field[0], &token, &len, NULL) == 0) {
		fuzz_understood++;
		MUST(js_field_text(root, field[0], &again, &len_again, NULL) == 0);
		MUST(len == len_again && memcmp(token, again, len) == 0);
	}
	if (root)
		(void)js_field_end(root, field[1], 1795300000, &seconds, NULL);
	js_locked_end();
}

static void take_model(const char *name, void *arg)
{
	unsigned *n = arg;

	MUST(name[0] && strlen(name) <= MODEL_NAME_MAX);
	(*n)++;
}

static void read_models(const char *text, size_t n)
{
	unsigned taken = 0;
	int count = models_answer_each(text, n, take_model, &taken);

	MUST(count < 0 ? taken == 0 : taken == (unsigned)count && count <= MODELS_MAX);
	fuzz_understood += count > 0;
}

static void read_settings(const uint8_t *p, size_t n)
{
	struct settings_files *s = NULL;
	struct failure f = { 0 };
	char path[96];

	put("settings.json", p, n);
	snprintf(path, sizeof(path), "%s/settings.json", fuzz_directory);
	if (settings_file_read(path, &s, &f) == 0 && s->n > 0) {
		fuzz_understood++;
		(void)settings_document_env(&s->document[0], "ANTHROPIC_BASE_URL");
		(void)settings_files_find(s, true, "ANTHROPIC_BASE_URL");
		(void)settings_files_find(s, false, "apiKeyHelper");
	}
	settings_files_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *text = (const char *)p + 1;

	if (n < 1)
		return 0;
	fuzz_inputs++;
	n--;
	switch (p[0]) {
	case 's':
		read_spending(p + 1, n);
		break;
	case 'r':
		read_record(p + 1, n);
		break;
	case 'c':
		read_checkpoint(text, n);
		break;
	case 'k':
		read_key_text(text, n);
		break;
	case 'y':
		read_recovery_code(text, n);
		break;
	case 'h':
	case 'p':
		read_host(p[0] == 'h', text, n);
		break;
	case 'j':
		read_field(p + 1, n);
		break;
	case 'm':
		read_models(text, n);
		break;
	case 't':
		read_settings(p + 1, n);
		break;
	}
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct failure f = { 0 };

	(void)argc;
	(void)argv;
	MUST(sodium_init() >= 0);
	fuzz_directory_make();
	MUST(store_open(&store, fuzz_directory, &f) == 0);
	return atexit(fuzz_at_exit);
}
