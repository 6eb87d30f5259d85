/*
 * client/rename.c - ccctl rename: give an entry another name.
 */
#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/slots/person.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"

int verb_rename(struct client *c, int argc, char **argv, struct failure *f)
{
	const char *from, *to;
	struct wire_out *o;
	struct listed e;
	int fd;

	if (passphrase_fd_alone(argc, argv, &fd, f) != 0 || require_words(argc, argv, 2, f) != 0)
		return -1;
	from = argv[optind];
	to = argv[optind + 1];
	if (require_name(from, f) != 0 || require_name(to, f) != 0 ||
	    person_read_fd(c, fd, f) != 0 || vault_open_for_person(c, f) != 0 ||
	    entry_require(c, from, &e, f) != 0 || person_identify(c, f) != 0)
		return -1;
	o = wire_request("rename");
	wire_put_str(o, "name", from);
	wire_put_str(o, "to", to);
	if (person_call(c, o, f) != 0)
		return -1;
	say("'%s' is now '%s'", from, to);
	return EXIT_DONE;
}
