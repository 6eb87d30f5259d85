/*
 * client/statusline.c - ccctl statusline: put ccrun-statusline into Claude Code's
 * settings.json, take it out again, show what it prints.
 *
 * It may run inside a session: a session can write settings.json anyway, and this
 * verb uses neither a key nor the broker.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/options.h"
#include "client/statusline/change.h"
#include "client/statusline/install.h"
#include "client/statusline/preview.h"
#include "client/statusline/remove.h"
#include "client/verbs.h"
#include "spec/spec.h"

int verb_statusline(struct client *client, int argc, char **argv, struct failure *f)
{
	struct preview p = { NULL, NULL };
	struct statusline_change *c;
	bool first = true, yes = false;
	const char *what;
	long width;
	int opt, r;

	(void)client;
	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' || (opt == OPTION_WIDTH &&
				   number_option(optarg, 1, 10000, "--width", &width, f) != 0))
			return -1;
		if (opt == OPTION_YES)
			yes = true;
		else
			*(opt == OPTION_WIDTH ? &p.columns : &p.input) = optarg;
	}
	if (require_words(argc, argv, 1, f) != 0)
		return -1;
	what = argv[optind];
	if (strcmp(what, "preview") == 0 && !yes)
		return statusline_preview(&p, f);
	if (strcmp(what, "preview") == 0 || p.columns || p.input)
		return fail_set(f, FAIL_USAGE, "ccctl help statusline",
				"--width and --input go with preview, --yes with the others");
	if (strcmp(what, "install") != 0 && strcmp(what, "remove") != 0)
		return fail_set(f, FAIL_USAGE, "ccctl help statusline",
				"statusline wants install, remove or preview");
	c = calloc(1, sizeof(*c));
	if (!c)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	c->yes = yes;
	r = strcmp(what, "install") == 0 ? statusline_install(c, f) : statusline_remove(c, f);
	statusline_change_free(c);
	free(c);
	return r;
}
