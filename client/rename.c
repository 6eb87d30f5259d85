/*
 * client/rename.c - ccctl rename: give an entry another name.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/slots/person.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "config/provider/names.h"
#include "config/provider/provider.h"

/* Does one of the provider's keys have that name? */
static bool rename_concerns(const char *provider, const char *entry)
{
	struct provider *p;
	unsigned i;
	bool found = false;

	if (provider_load(provider, NULL, &p, NULL) != 0)
		return false;
	for (i = 0; i < p->secrets && !found; i++)
		found = strcmp(p->secret[i].entry, entry) == 0;
	provider_free(p);
	return found;
}

/* The files of providers say where each looks for its key; an entry's new name is in none. */
static void rename_note_providers(const char *from, const char *to)
{
	struct failure ignored = { 0 };
	char **names;
	unsigned i, n;

	if (provider_names(&names, &n, &ignored) != 0)
		return;
	for (i = 0; i < n; i++) {
		if (rename_concerns(names[i], from))
			say("note: the provider %s looks for its key under '%s': ccctl edit %s, "
			    "and "
			    "there secret = %s below [provider]",
			    names[i], from, names[i], to);
		free(names[i]);
	}
	free(names);
}

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
	rename_note_providers(from, to);
	return EXIT_DONE;
}
