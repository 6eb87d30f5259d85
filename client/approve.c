/*
 * client/approve.c - ccctl approve: bind a provider's entries to the origin,
 * variable and policy that its files have now; or accept another program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "client/approve_image.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/seals.h"
#include "client/common/sources.h"
#include "client/common/terminal.h"
#include "client/slots/person.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "config/provider/names.h"
#include "config/provider/provider.h"
#include "spec/spec.h"

#define USERS_SHOWN 6 /* providers of one entry that a hint can name */

/* The word names no provider: load the one that uses an entry of this name. */
static int approve_load_user(const char *entry, struct provider **p, struct failure *f)
{
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1], word[USERS_SHOWN][PROVIDER_WORD];
	int i, n = providers_using(entry, word, USERS_SHOWN, f);

	if (n < 0)
		return -1;
	if (n == 0)
		return fail_set(f, FAIL_NO_ENTRY, "ccctl list --all shows the providers",
				"'%s' is neither a provider nor an entry that a provider uses",
				entry);
	if (n > 1) {
		fail_set(f, FAIL_USAGE, "name one of them:", "%d providers use the entry '%s'", n,
			 entry);
		for (i = 0; i < n && i < USERS_SHOWN; i++)
			fail_hint_add(f, " %s", word[i]);
		return -1;
	}
	if (split_provider(word[0], name, mode, f) != 0)
		return -1;
	return provider_load(name, mode, p, f);
}

static int approve_load(const char *word, struct provider **p, struct failure *f)
{
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];
	char near[NAME_MAX_LEN + 1];

	if (split_provider(word, name, mode, f) != 0)
		return -1;
	if (provider_load(name, mode, p, f) == 0)
		return 0;
	if (f->code != FAIL_NO_ENTRY || mode[0])
		return -1;
	if (approve_load_user(name, p, f) == 0)
		return 0;
	if (f->code == FAIL_NO_ENTRY && provider_near(name, near))
		fail_hint(f, "did you mean %s?", near);
	return -1;
}

/* Is e bound to something else than the files say?  1 with *out, 0, or -1. */
static int approve_differs(const struct wanted *w, const struct listed *e, struct seal_change *out,
			   struct failure *f)
{
	int same = e->has_source ? source_compare_sealed(e, &out->source, f) : 1;

	if (same < 0)
		return -1;
	out->source_differs = same == 0;
	out->to = *w;
	wanted_keep_choices(&out->to, e);
	out->from = *e;
	/* `auto` is sealed as what it means, where a person looks at it anyway. */
	return out->source_differs || wanted_differs(w, e) ||
	       strcmp(out->to.policy, e->policy) != 0;
}

/* The provider's entries that are bound to something else.  How many, or -1 (also when
 * one does not exist). */
static int approve_find_changes(struct client *c, const struct provider *p,
				struct seal_change out[SESSION_ENTRIES_MAX], struct failure *f)
{
	struct wanted w[SESSION_ENTRIES_MAX];
	const struct listed *e;
	struct listed *list;
	int i, r, found = 0, wanted = wanted_of(p, w, f);
	unsigned n;

	if (wanted < 0 || vault_open_for_person(c, f) != 0 || entries_fetch(c, &list, &n, f) != 0)
		return -1;
	for (i = 0; i < wanted; i++) {
		e = entries_find(list, n, w[i].entry);
		if (!e) {
			fail_set(f, FAIL_NO_ENTRY, NULL, "there is no key '%s' in the vault",
				 w[i].entry);
			fail_hint(f, "ccctl add %s", p->name);
			found = -1;
			break;
		}
		r = approve_differs(&w[i], e, &out[found], f);
		if (r < 0) {
			found = -1;
			break;
		}
		found += r;
	}
	free(list);
	return found;
}

static int approve_agree(const struct provider *p, bool yes, struct failure *f)
{
	bool agreed;

	if (yes)
		return 0;
	if (!terminal_asks()) {
		fail_set(f, FAIL_USAGE, NULL,
			 "cannot ask whether to approve this: there is no terminal");
		fail_hint(f, "when it is what you want: ccctl approve %s%s%s --yes", p->name,
			  p->mode[0] ? ":" : "", p->mode);
		return -1;
	}
	if (terminal_yes("seal this?", &agreed, f) != 0)
		return -1;
	return agreed ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

static int approve_seal(struct client *c, const struct seal_change *ch, struct failure *f)
{
	struct wire_out *o = wire_request("approve");

	wire_put_str(o, "name", ch->to.entry);
	wire_put_str(o, "origin", ch->to.origin);
	wire_put_str(o, "variable", ch->to.variable);
	wire_put_str(o, "policy", ch->to.policy);
	if (ch->source_differs)
		wire_put_source(o, &ch->source);
	if (person_call(c, o, f) != 0)
		return -1;
	say("sealed '%s' for %s as %s", ch->to.entry, origin_url(ch->to.origin), ch->to.variable);
	return 0;
}

static int approve_run(struct client *c, const struct provider *p, bool yes, struct failure *f)
{
	struct seal_change ch[SESSION_ENTRIES_MAX];
	int i, n;

	if (p->secrets == 0)
		return fail_set(f, FAIL_NO_ENTRY, NULL,
				"provider %s needs no key: nothing to approve", p->name);
	n = approve_find_changes(c, p, ch, f);
	if (n < 0)
		return -1;
	if (n == 0) {
		say("nothing to approve: what is sealed is what the files of %s say", p->name);
		return 0;
	}
	seals_show_changes(p, ch, (unsigned)n);
	if (approve_agree(p, yes, f) != 0 || person_identify(c, f) != 0)
		return -1;
	for (i = 0; i < n; i++)
		if (approve_seal(c, &ch[i], f) != 0)
			return -1;
	return 0;
}

int verb_approve(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, yes = false, program = false;
	struct provider *p;
	int opt, fd = -1, r;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' ||
		    (opt == OPTION_PASSPHRASE_FD && passphrase_fd_option(optarg, &fd, f) != 0))
			return -1;
		yes = yes || opt == OPTION_YES;
		program = program || opt == OPTION_PROGRAM;
	}
	if (!(program && optind == argc) && require_words(argc, argv, 1, f) != 0)
		return -1;
	if (person_read_fd(c, fd, f) != 0)
		return -1;
	if (program)
		return approve_image(c, argv[optind] ? argv[optind] : "claude", yes, f) == 0
			       ? EXIT_DONE
			       : -1;
	if (approve_load(argv[optind], &p, f) != 0)
		return -1;
	r = approve_run(c, p, yes, f);
	provider_free(p);
	return r == 0 ? EXIT_DONE : -1;
}
