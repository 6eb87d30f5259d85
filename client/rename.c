/*
 * client/rename.c - ccctl rename: give an entry another name.
 */
#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/verbs.h"

int verb_rename(struct client *c, int argc, char **argv, struct failure *f)
{
	const char *from, *to;
	struct wire_out *o;

	if (no_options(argc, argv, f) != 0 || require_words(argc, argv, 2, f) != 0)
		return -1;
	from = argv[optind];
	to = argv[optind + 1];
	if (require_name(from, f) != 0 || require_name(to, f) != 0 ||
	    client_connect(c, true, f) != 0)
		return -1;
	o = wire_request("rename");
	wire_put_str(o, "name", from);
	wire_put_str(o, "to", to);
	if (client_call(c, o, f) != 0) {
		entries_hint_for_provider(from, f);
		return -1;
	}
	say("'%s' is now '%s'", from, to);
	return EXIT_DONE;
}
