/*
 * client/allow.c - ccctl allow and deny: a person's word on a project's pin.
 */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/common.h"
#include "client/common/terminal.h"
#include "config/project/allowed.h"
#include "config/project/project.h"
#include "config/provider/provider.h"

static const struct option options[] = {
	{ "ask", no_argument, NULL, 256 }, { NULL, 0, NULL, 0 }
};

/* The pin that the words mean: the named one, else the nearest. */
static int pin_of(int argc, char **argv, struct project *p, struct failure *f)
{
	int r;

	if (argc - optind > 1)
		return fail_set(f, FAIL_USAGE, "ccctl help allow", "one directory at a time");
	if (optind < argc)
		return project_read(argv[optind], p, f);
	r = project_find(p, f);
	if (r == 0)
		return fail_set(f, FAIL_NO_ENTRY, "make one: provider = NAME",
				"there is no " PROJECT_LEAF " here or above");
	return r < 0 ? -1 : 0;
}

/* Is it the path of a pin, rather than of its directory? */
static bool names_pin(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && strcmp(slash + 1, PROJECT_LEAF) == 0;
}

/* Would it work?  A pin to what is not there is no use, but no danger either. */
static int check_provider(const struct project *p, struct failure *f)
{
	struct provider *prov;

	if (provider_load(p->provider, p->mode, &prov, f) != 0)
		return -1;
	provider_free(prov);
	return 0;
}

/* What it means, not what it looks like: comments do nothing. */
static void show(const struct project *p)
{
	unsigned i;

	terminal_say("  provider = %s%s%s", p->provider, p->mode[0] ? ":" : "", p->mode);
	for (i = 0; i < p->models; i++)
		terminal_say("  %s = %s", p->model[i].key, p->model[i].value);
}

/* What was allowed before it changed; a person compares. */
static void show_before(const struct project *p)
{
	static struct project old;

	memcpy(old.path, p->path, sizeof(old.path));
	if (allowed_text(p->path, old.text, NULL) != 0)
		return;
	old.n = strlen(old.text);
	if (project_parse(&old, NULL) != 0)
		return;
	terminal_say("what you allowed before:");
	show(&old);
}

static int ask(const struct project *p, struct failure *f)
{
	enum project_standing standing;
	bool yes = false;

	if (allowed_standing(p, &standing, f) != 0)
		return -1;
	if (standing == PROJECT_ALLOWED)
		return 0;
	if (!terminal_here())
		return fail_set(f, FAIL_POLICY, "ccctl allow", "%s was not allowed", p->path);
	if (standing == PROJECT_CHANGED)
		show_before(p);
	terminal_say("%s%s says:", p->path, standing == PROJECT_CHANGED ? " has changed, and now" : "");
	show(p);
	if (terminal_yes("follow it in this directory?", &yes, f) != 0)
		return -1;
	return yes ? 0 : fail_set(f, FAIL_POLICY, "ccrun PROVIDER goes without it", "%s was not allowed", p->path);
}

int verb_allow(struct client *c, int argc, char **argv, struct failure *f)
{
	static struct project p;
	bool first = true, asks = false;
	int opt;

	(void)c;
	while ((opt = next_option(&first, argc, argv, ":", options, f)) != -1) {
		if (opt == '?')
			return -1;
		asks = true;
	}
	if (pin_of(argc, argv, &p, f) != 0 || check_provider(&p, f) != 0 || (asks && ask(&p, f) != 0))
		return -1;
	if (allowed_decide(p.path, p.text, true, NULL, f) != 0)
		return -1;
	if (!asks)
		say("%s pins this directory to %s%s%s", p.path, p.provider, p.mode[0] ? ":" : "", p.mode);
	return EXIT_DONE;
}

int verb_deny(struct client *c, int argc, char **argv, struct failure *f)
{
	char path[PATH_SIZE];
	static struct project p;
	bool first = true, was;

	(void)c;
	if (next_option(&first, argc, argv, ":", options + 1, f) != -1)
		return -1;
	/* One that is gone, or says what no pin may say, can be denied all the same. */
	if (pin_of(argc, argv, &p, f) != 0 && !p.path[0]) {
		if (argc - optind != 1 || argv[optind][0] != '/')
			return -1;
		if (snprintf(p.path, sizeof(p.path), "%s%s", argv[optind],
			     names_pin(argv[optind]) ? "" : "/" PROJECT_LEAF) >= (int)sizeof(p.path))
			return fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...", argv[optind]);
	}
	memcpy(path, p.path, sizeof(path));
	if (allowed_decide(path, NULL, false, &was, f) != 0)
		return -1;
	if (!was)
		return fail_set(f, FAIL_NO_ENTRY, NULL, "%s was not allowed", path);
	say("%s is no longer allowed", path);
	return EXIT_DONE;
}
