/*
 * statusline/client_input.c - bounded reading of the client's JSON, and its parsing
 * with jansson.
 */
#include "statusline/client_input.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/utf8.h"

size_t client_input_read(int fd, char *buf, int64_t deadline)
{
	char rest[16384];
	size_t have = 0;
	ssize_t n;

	while (io_wait(fd, POLLIN, deadline) == 1 && clock_now_ms() < deadline) {
		if (have < INPUT_MAX)
			n = read(fd, buf + have, INPUT_MAX - have);
		else
			n = read(fd, rest, sizeof(rest));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			break;
		if (have < INPUT_MAX)
			have += (size_t)n;
	}
	return have;
}

/* jansson refuses the whole text for one byte that is not UTF-8 or a control character. */
static void replace_bad_bytes(char *buf, size_t n)
{
	unsigned len;
	uint32_t c;
	size_t i;

	for (i = 0; i < n; i += len) {
		len = utf8_decode(buf + i, n - i, &c);
		if (len && (c >= ' ' || c == '\n' || c == '\r' || c == '\t'))
			continue;
		buf[i] = '?';
		len = 1;
	}
}

/* The value of \uXXXX at p, of n bytes, or 0. */
static unsigned escape_value(const char *p, size_t n)
{
	unsigned v = 0, i;

	if (n < 6 || p[0] != '\\' || p[1] != 'u')
		return 0;
	for (i = 2; i < 6; i++) {
		const char *digits = "0123456789abcdef", *d = strchr(digits, p[i] | ' ');

		if (!p[i] || !d)
			return 0;
		v = v << 4 | (unsigned)(d - digits);
	}
	return v;
}

static bool is_surrogate(unsigned v, unsigned first)
{
	return v >= first && v <= first + 0x3ff;
}

/*
 * JavaScript cuts strings between UTF-16 units, and JSON.stringify() writes the half
 * of a surrogate pair that is left as \ud83d, which jansson refuses.
 */
static void replace_lone_surrogates(char *buf, size_t n)
{
	unsigned v;
	size_t i;

	for (i = 0; i < n; i++) {
		if (buf[i] != '\\')
			continue;
		v = escape_value(buf + i, n - i);
		if (is_surrogate(v, 0xd800) &&
		    is_surrogate(escape_value(buf + i + 6, n - i - 6), 0xdc00))
			i += 11;
		else if (is_surrogate(v, 0xd800) || is_surrogate(v, 0xdc00))
			memcpy(buf + i, "\\u003f", 6);
		else
			i++; /* skip the escaped character */
	}
}

static void get_text(const json_t *o, const char *key, char *out, size_t size)
{
	const json_t *v = json_object_get(o, key);
	size_t n = json_string_length(v);

	out[0] = '\0';
	if (n == 0)
		return;
	if (n >= size)
		n = size - 1;
	memcpy(out, json_string_value(v), n);
	/* A NUL would end the text for display. */
	for (out[n] = '\0'; n-- > 0;)
		if (!out[n])
			out[n] = '?';
}

/* An absolute path that fits, else "". */
static void get_directory(const json_t *o, const char *key, char *out)
{
	get_text(o, key, out, INPUT_PATH);
	if (out[0] != '/' || json_string_length(json_object_get(o, key)) >= INPUT_PATH)
		out[0] = '\0';
}

/* A number below zero counts as zero.  false: absent, or not a number. */
static bool get_number(const json_t *o, const char *key, double *out)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_number(v))
		return false;
	*out = json_number_value(v);
	if (*out < 0)
		*out = 0;
	return true;
}

static void get_window(const json_t *limits, const char *key, struct input_window *out)
{
	const json_t *o = json_object_get(limits, key);
	double reset = 0;

	out->present = get_number(o, "used_percentage", &out->percent);
	if (out->present && get_number(o, "resets_at", &reset) && reset < 1e12)
		out->reset = (int64_t)reset;
}

static void get_context(const json_t *o, struct client_input *in)
{
	static const char *const counts[] = { "input_tokens", "cache_creation_input_tokens",
					      "cache_read_input_tokens" };
	const json_t *usage = json_object_get(o, "current_usage");
	double size = 0, sum = 0, n;
	size_t i;

	in->has_context = json_is_object(o);
	if (get_number(o, "used_percentage", &in->context))
		return;
	/* Older clients do not send it, and it is null before the first answer. */
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (get_number(usage, counts[i], &n))
			sum += n;
	in->context =
		get_number(o, "context_window_size", &size) && size > 0 ? sum * 100 / size : 0;
}

static void get_cost(const json_t *o, struct client_input *in)
{
	in->has_cost = get_number(o, "total_cost_usd", &in->cost);
	in->has_duration = get_number(o, "total_duration_ms", &in->duration);
	in->has_lines = get_number(o, "total_lines_added", &in->added) &&
			get_number(o, "total_lines_removed", &in->removed);
}

static void input_from_json(const json_t *root, struct client_input *in)
{
	const json_t *workspace = json_object_get(root, "workspace");
	const json_t *repo = json_object_get(workspace, "repo");
	const json_t *limits = json_object_get(root, "rate_limits");

	get_directory(workspace, "current_dir", in->dir);
	if (!in->dir[0])
		get_directory(root, "cwd", in->dir);
	get_directory(workspace, "project_dir", in->project);
	get_text(repo, "host", in->repo_host, INPUT_NAME);
	get_text(repo, "owner", in->repo_owner, INPUT_NAME);
	get_text(repo, "name", in->repo_name, INPUT_NAME);
	get_text(json_object_get(root, "worktree"), "branch", in->worktree_branch, INPUT_NAME);
	get_text(json_object_get(root, "model"), "display_name", in->model, INPUT_NAME);
	get_text(json_object_get(root, "effort"), "level", in->effort, INPUT_NAME);
	get_text(root, "session_name", in->session, INPUT_NAME);
	get_context(json_object_get(root, "context_window"), in);
	get_cost(json_object_get(root, "cost"), in);
	get_window(limits, "five_hour", &in->five_hour);
	get_window(limits, "seven_day", &in->seven_day);
	in->has_limits = in->five_hour.present || in->seven_day.present;
}

void client_input_parse(char *buf, size_t n, struct client_input *in)
{
	json_t *root;

	memset(in, 0, sizeof(*in));
	replace_bad_bytes(buf, n);
	replace_lone_surrogates(buf, n);
	/* DISABLE_EOF_CHECK: whatever follows the object is ignored. */
	root = json_loadb(buf, n, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
			  NULL);
	in->parsed = json_is_object(root);
	if (in->parsed)
		input_from_json(root, in);
	json_decref(root);
}
