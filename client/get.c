/*
 * client/get.c - ccctl get: print one key on standard output, or show it on the terminal.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/secret.h"
#include "client/common/terminal.h"
#include "client/common/terminal_page.h"
#include "client/slots/person.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "config/source/command.h"
#include "spec/spec.h"

#define WHAT "the key" /* that is shown */
#define PAGE_LINES 6   /* of a page, that are not the key's */
#define ROWS 24
#define COLUMNS 80

/* Straight from locked memory: stdio would keep a copy in its buffer. */
static int get_print(const uint8_t *token, size_t n, struct failure *f)
{
	if (io_write_all(STDOUT_FILENO, token, n, clock_now_ms() + PIPE_DEADLINE_MS) != 0)
		return fail_errno(f, NULL, "write to standard output");
	return 0;
}

static int at_most(int said, int most)
{
	return said > 0 && said < most ? said : most;
}

/* Also what stands around it has to be there: what is scrolled away cannot be read, and may be kept.
 * No terminal is taken to be larger than a usual one because it is said to be. */
static bool get_fits(size_t n)
{
	int rows = at_most(terminal_rows(), ROWS), width = at_most(terminal_width(), COLUMNS);

	return rows > PAGE_LINES && n <= (size_t)(rows - PAGE_LINES) * (size_t)width;
}

/*
 * On a page of its own, until Enter: printed, it would stay among the terminal's lines, which
 * whatever has to do with the terminal can read later, a session in the same tmux as well.
 */
static int get_show(struct client *c, const char *name, const uint8_t *token, size_t n,
		    struct failure *f)
{
	char above[NAME_MAX_LEN + 32];
	struct terminal_page page = { .what = WHAT,
				      .above = above,
				      .secret = token,
				      .n = n,
				      .below = "\n\nPress Enter: it goes from the screen. " };
	struct secret typed = { 0 };
	int r;

	if (!get_fits(n)) {
		fail_set(f, FAIL_TOO_LARGE, NULL, "the key is longer than this terminal shows");
		fail_hint(f,
			  "to a program: ccctl get %s | ...; a window of %d lines shows up to %d "
			  "bytes",
			  name, ROWS, (ROWS - PAGE_LINES) * COLUMNS);
		return -1;
	}
	snprintf(above, sizeof(above), "The key '%s':\n\n", name);
	r = secret_new(c, &typed, PASSPHRASE_MAX, f);
	if (r == 0)
		r = terminal_show(&page, &typed, f);
	secret_free(c, &typed);
	return r;
}

/* The words of the entry's command, as a shell takes them: it is stored for no shell. */
static void get_hint_command(const char *command, struct failure *f)
{
	struct command_words w;
	unsigned i;

	if (command_split(command, &w, NULL) != 0)
		return;
	for (i = 0; i < w.n; i++)
		if (w.v[i][0])
			fail_hint_add(f, i ? " %s" : "%s", w.v[i]);
		else
			fail_hint_add(f, i ? " ''" : "''");
	command_free(&w);
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
		get_hint_command(e.source.command, f);
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
	bool first = true, reveal = false, shown = isatty(STDOUT_FILENO);
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
	if (!reveal && shown) {
		fail_set(f, FAIL_POLICY, NULL, "a key is not shown on a terminal");
		fail_hint(f, "ccctl get %s --reveal", argv[optind]);
		return -1;
	}
	/* Before a person is asked. */
	if (shown && terminal_page_require(WHAT, f) != 0)
		return -1;
	if (person_read_fd(c, fd, f) != 0 || get_request(c, argv[optind], f) != 0 ||
	    wire_get_bin(c->dial.in.top, "token", &token, &n, f) != 0)
		return -1;
	if ((shown ? get_show(c, argv[optind], token, n, f) : get_print(token, n, f)) != 0)
		return -1;
	return EXIT_DONE;
}
