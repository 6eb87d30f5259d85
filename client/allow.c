/*
 * client/allow.c - ccctl allow: follow the provider that a project's .ccrun file names.
 */
#include <string.h>

#include "base/fail.h"
#include "client/allow_list.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/pin_argument.h"
#include "client/common/terminal.h"
#include "client/verbs.h"
#include "config/project/allowed_pins.h"
#include "config/project/project.h"
#include "config/provider/provider.h"
#include "spec/spec.h"
#include "start/terminal.h"

/* A pin to a provider that does not load would only fail later, at the launch. */
static int allow_check_provider(const struct project *p, struct failure *f)
{
	struct provider *prov;

	if (provider_load(p->provider, p->mode, &prov, f) != 0)
		return -1;
	provider_free(prov);
	return 0;
}

/* The parsed values, not the text: comments could mislead. */
static void allow_show(const struct project *p)
{
	unsigned i;

	terminal_say("  provider = %s%s%s", p->provider, p->mode[0] ? ":" : "", p->mode);
	for (i = 0; i < p->models; i++)
		terminal_say("  %s = %s", p->model[i].key, p->model[i].value);
}

/* The text that was allowed before the file changed, to compare with. */
static void allow_show_before(const struct project *p)
{
	static struct project old;

	memcpy(old.path, p->path, sizeof(old.path));
	if (allowed_text(p->path, old.text, NULL) != 0)
		return;
	old.n = strlen(old.text);
	if (project_parse(&old, NULL) != 0)
		return;
	terminal_say("what you allowed before:");
	allow_show(&old);
}

static int allow_ask(const struct project *p, struct failure *f)
{
	enum project_standing standing;
	bool yes = false;

	if (allowed_standing(p, &standing, f) != 0)
		return -1;
	if (standing == PROJECT_ALLOWED)
		return 0;
	if (!terminal_exists())
		return fail_set(f, FAIL_POLICY, "ccctl allow", "%s was not allowed", p->path);
	if (standing == PROJECT_CHANGED)
		allow_show_before(p);
	terminal_say("%s%s says:", p->path,
		     standing == PROJECT_CHANGED ? " has changed, and now" : "");
	allow_show(p);
	if (terminal_yes("follow it in this directory?", &yes, f) != 0)
		return -1;
	return yes ? 0
		   : fail_set(f, FAIL_POLICY, "ccrun PROVIDER does not use it",
			      "%s was not allowed", p->path);
}

int verb_allow(struct client *c, int argc, char **argv, struct failure *f)
{
	static struct project p;
	bool first = true, asks = false, list = false, json = false;
	int opt;

	(void)c;
	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?')
			return -1;
		asks = asks || opt == OPTION_ASK;
		list = list || opt == OPTION_LIST;
		json = json || opt == OPTION_JSON;
	}
	if (json && !list)
		return fail_set(f, FAIL_USAGE, "ccctl allow --list --json", "--json is for --list");
	if (list) {
		if (require_words(argc, argv, 0, f) != 0 || allow_list(json, f) != 0)
			return -1;
		return EXIT_DONE;
	}
	if (pin_from_arguments(argc, argv, &p, f) != 0 || allow_check_provider(&p, f) != 0 ||
	    (asks && allow_ask(&p, f) != 0))
		return -1;
	if (allowed_record(p.path, p.text, f) != 0)
		return -1;
	if (!asks)
		say("%s pins this directory to %s%s%s", p.path, p.provider, p.mode[0] ? ":" : "",
		    p.mode);
	return EXIT_DONE;
}
