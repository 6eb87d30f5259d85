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
#include "client/slots/person.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "spec/spec.h"

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
	struct listed e;
	struct wire_out *o;

	/* Known before a person is asked for. */
	if (vault_open_for_person(c, f) != 0 || entry_require(c, name, &e, f) != 0)
		return -1;
	if (e.has_source) {
		fail_set(f, FAIL_POLICY, NULL,
			 "'%s' stays in another manager, which is where to ask for it: %.160s",
			 name, e.source.ref);
		fail_hint(f, "%s", e.source.command);
		return -1;
	}
	if (person_identify(c, f) != 0)
		return -1;
	o = wire_request("get");
	wire_put_str(o, "name", name);
	return person_call(c, o, f);
}

int verb_get(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, reveal = false;
	const uint8_t *token;
	size_t n;
	int opt, fd = -1;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' ||
		    (opt == OPTION_PASSPHRASE_FD && passphrase_fd_option(optarg, &fd, f) != 0))
			return -1;
		reveal = reveal || opt == OPTION_REVEAL;
	}
	if (require_words(argc, argv, 1, f) != 0 || require_name(argv[optind], f) != 0)
		return -1;
	if (!reveal && isatty(STDOUT_FILENO)) {
		fail_set(f, FAIL_POLICY, NULL, "a key is not shown on a terminal");
		fail_hint(f, "ccctl get %s --reveal", argv[optind]);
		return -1;
	}
	if (person_read_fd(c, fd, f) != 0 || get_request(c, argv[optind], f) != 0 ||
	    wire_get_bin(c->dial.in.top, "token", &token, &n, f) != 0 ||
	    get_print(token, n, f) != 0)
		return -1;
	return EXIT_DONE;
}
