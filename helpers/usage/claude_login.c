/*
 * helpers/usage/claude_login.c - the log-in of the client (Claude Code), from its file, which is
 * only read.
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
#include "vault/locked_heap.h"
#include "helpers/usage/json_values.h"
#include "json/locked.h"
#include "wire/names.h"

/* Bytes.  The log-in is below one KiB, but MCP servers' are in the same file. */
#define CREDENTIALS_MAX 65536

static int credentials_path(char *out)
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

/* Only a regular file (a FIFO would block us) that belongs to this user. */
static int credentials_open(void)
{
	char path[PATH_SIZE];
	struct stat st;
	int fd;

	if (credentials_path(path) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		return fd;
	close(fd);
	return -1;
}

static enum usage_error credentials_get_token(const json_t *root, uint8_t *token, size_t size,
					      size_t *len)
{
	const json_t *oauth = json_object_get(root, "claudeAiOauth"),
		     *v = json_object_get(oauth, "accessToken");
	uint64_t expires = 0;
	size_t n = json_string_length(v);

	if (!json_is_string(v) || n > size ||
	    wire_token_check((const uint8_t *)json_string_value(v), n, NULL) != 0)
		return USAGE_MISSING;
	if (value_time_ms(oauth, "expiresAt", &expires) != 0)
		return USAGE_MISSING;
	if (expires && expires <= (uint64_t)time(NULL))
		return USAGE_UNAUTHORIZED;
	memcpy(token, json_string_value(v), n);
	*len = n;
	return USAGE_DONE;
}

static enum usage_error credentials_parse(const char *text, size_t n, uint8_t *token, size_t size,
					  size_t *len)
{
	enum usage_error r;
	json_t *root;

	if (js_locked_begin(js_locked_room(n), NULL) != 0)
		return USAGE_MISSING;
	root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	r = credentials_get_token(root, token, size, len);
	/* Back to ordinary memory: a server's answer needs no locked memory, and could fill it. */
	js_locked_end();
	return r;
}

enum usage_error claude_login_read_token(uint8_t *token, size_t size, size_t *len)
{
	enum usage_error r = USAGE_MISSING;
	int fd = credentials_open();
	char *text;
	ssize_t n;

	if (fd < 0)
		return USAGE_MISSING;
	text = heap_malloc(CREDENTIALS_MAX);
	n = text ? io_read_all(fd, text, CREDENTIALS_MAX, clock_now_ms() + 1000) : -1;
	close(fd);
	if (n > 0)
		r = credentials_parse(text, (size_t)n, token, size, len);
	heap_free(text);
	return r;
}
