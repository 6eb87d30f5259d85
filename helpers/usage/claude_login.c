/*
 * helpers/usage/claude_login.c - the client's own log-in, read and never written.
 */
#include "helpers/usage/claude_login.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/paths.h"
#include "helpers/usage/locked_heap.h"
#include "helpers/usage/usage_result.h"
#include "helpers/usage/json_values.h"
#include "json/locked.h"
#include "wire/message.h"

#define FILE_MAX 65536 /* bytes; a log-in is below one KiB, those of MCP servers are beside it */

static int where(char *out)
{
	const char *dir = getenv("CLAUDE_CONFIG_DIR");
	char home[PATH_SIZE];
	int n;

	if (dir && dir[0] == '/') {
		n = snprintf(out, PATH_SIZE, "%s/.credentials.json", dir);
	} else {
		if (path_home(home, NULL) != 0)
			return -1;
		n = snprintf(out, PATH_SIZE, "%s/.claude/.credentials.json", home);
	}
	return n > 0 && n < PATH_SIZE ? 0 : -1;
}

/* A regular file of ours (no FIFO that keeps us waiting, nobody else's file). */
static int open_file(void)
{
	char path[PATH_SIZE];
	struct stat st;
	int fd;

	if (where(path) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		return fd;
	close(fd);
	return -1;
}

static int token_of(const json_t *root, uint8_t *token, size_t size, size_t *len)
{
	const json_t *oauth = json_object_get(root, "claudeAiOauth"), *v = json_object_get(oauth, "accessToken");
	uint64_t expires = 0;
	size_t n = json_string_length(v);

	if (!json_is_string(v) || n > size || wire_token_check((const uint8_t *)json_string_value(v), n, NULL) != 0)
		return USAGE_MISSING;
	if (value_time_ms(oauth, "expiresAt", &expires) != 0)
		return USAGE_MISSING;
	if (expires && expires <= (uint64_t)time(NULL))
		return USAGE_UNAUTHORIZED;
	memcpy(token, json_string_value(v), n);
	*len = n;
	return USAGE_DONE;
}

static int parse(const char *text, size_t n, uint8_t *token, size_t size, size_t *len)
{
	json_t *root;
	int r;

	if (js_locked_begin(js_locked_room(n), NULL) != 0)
		return USAGE_MISSING;
	root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	r = token_of(root, token, size, len);
	/* What strangers send needs no locked memory, and could fill it. */
	js_locked_end();
	return r;
}

int claude_login_read_token(uint8_t *token, size_t size, size_t *len)
{
	int fd = open_file(), r = USAGE_MISSING;
	char *text;
	ssize_t n;

	if (fd < 0)
		return USAGE_MISSING;
	text = heap_malloc(FILE_MAX);
	n = text ? io_read_all(fd, text, FILE_MAX, io_now_ms() + 1000) : -1;
	close(fd);
	if (n > 0)
		r = parse(text, (size_t)n, token, size, len);
	heap_free(text);
	return r;
}
