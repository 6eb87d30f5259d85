/*
 * client/get.c - ccctl get: print one key on standard output.
 */
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/secret.h"
#include "client/verbs.h"
#include "start/source.h"
#include "start/terminal.h"

static const struct option get_options[] = { { "reveal", no_argument, NULL, 256 },
					     { NULL, 0, NULL, 0 } };

/* Straight from locked memory: stdio would keep a copy in its buffer. */
static int get_print(const uint8_t *token, size_t n, struct failure *f)
{
	int64_t deadline = clock_now_ms() + PIPE_DEADLINE_MS;

	if (io_write_all(STDOUT_FILENO, token, n, deadline) != 0 ||
	    (isatty(STDOUT_FILENO) && io_write_all(STDOUT_FILENO, "\n", 1, deadline) != 0))
		return fail_errno(f, NULL, "write to standard output");
	return 0;
}

static int get_request(struct client *c, const char *name, struct failure *f)
{
	struct wire_out *o;

	if (client_connect(c, true, f) != 0)
		return -1;
	o = wire_request("get");
	wire_put_str(o, "name", name);
	return client_call(c, o, f);
}

/* If the key has a source and is not in memory, have it fetched first, as a launch does. */
static int get_or_fetch(struct client *c, const char *name, struct failure *f)
{
	const char *const names[] = { name, NULL };

	if (get_request(c, name, f) == 0)
		return 0;
	if (f->code != FAIL_NO_VALUE)
		return -1;
	return source_fetch(names, terminal_available(), f) == 0 ? get_request(c, name, f) : -1;
}

int verb_get(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, reveal = false;
	const uint8_t *token;
	size_t n;
	int opt;

	while ((opt = next_option(&first, argc, argv, ":", get_options, f)) != -1) {
		if (opt == '?')
			return -1;
		reveal = true;
	}
	if (require_words(argc, argv, 1, f) != 0 || require_name(argv[optind], f) != 0)
		return -1;
	if (!reveal && isatty(STDOUT_FILENO)) {
		fail_set(f, FAIL_POLICY, NULL, "a key is not shown on a terminal");
		fail_hint(f, "ccctl get %s --reveal", argv[optind]);
		return -1;
	}
	if (get_or_fetch(c, argv[optind], f) != 0) {
		entries_hint_for_provider(argv[optind], f);
		return -1;
	}
	if (wire_get_bin(c->dial.in.top, "token", &token, &n, f) != 0 ||
	    get_print(token, n, f) != 0)
		return -1;
	return EXIT_DONE;
}
