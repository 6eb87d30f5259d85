/*
 * client/doctor/launches.c - checks: what a launch of each provider would be refused for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "base/paths.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/program.h"
#include "client/common/trials.h"
#include "client/doctor/checks.h"
#include "config/provider/names.h"
#include "config/provider/provider.h"
#include "config/settings/ccrun_conf.h"
#include "config/source/source.h"
#include "wire/policy.h"

#define WORDS_MAX 64
#define LAUNCH_MS 10000
#define PRINT_MAX 65536

/* The providers that a person uses here: the default, and those whose key the vault has. */
struct used {
	char word[WORDS_MAX][PROVIDER_WORD];
	unsigned n;
};

static void used_add(struct used *u, const char *word)
{
	unsigned i;

	for (i = 0; i < u->n; i++)
		if (strcmp(u->word[i], word) == 0)
			return;
	if (u->n < WORDS_MAX && strlen(word) < PROVIDER_WORD)
		memcpy(u->word[u->n++], word, strlen(word) + 1);
}

static void used_add_default(struct used *u)
{
	struct ini_file *file = NULL;
	const struct ini_item *it;

	if (ccrun_conf_read(&file, NULL) != INI_READ)
		return;
	it = ini_file_get(file, "ccrun", "default");
	if (it && it->value[0])
		used_add(u, it->value);
	ini_file_free(file);
}

/* The vault's entries; none: nobody can be asked for them now. */
static struct listed *entries_ask(struct checkup *d, unsigned *n)
{
	struct listed *list = NULL;

	*n = 0;
	/* A check that took long may have let the connection idle. */
	if (d->marked || !d->broker.running || strcmp(d->broker.state, "unlocked") != 0 ||
	    client_connect(d->c, false, NULL) != 0 || entries_fetch(d->c, &list, n, NULL) != 0)
		return NULL;
	return list;
}

/* Has the vault all keys of the provider? */
static bool provider_is_keyed(const struct provider *p, const struct listed *list, unsigned n)
{
	unsigned i;

	for (i = 0; i < p->secrets; i++)
		if (!entries_find(list, n, p->secret[i].entry))
			return false;
	return p->secrets > 0;
}

/* Call each for every provider whose key the vault has. */
static void each_keyed(const struct listed *list, unsigned n,
		       void (*each)(void *arg, const struct provider *p), void *arg)
{
	struct provider *p;
	char **names;
	unsigned i, count = 0;

	if (!list || provider_names(&names, &count, NULL) != 0)
		return;
	for (i = 0; i < count; i++) {
		if (provider_load(names[i], NULL, &p, NULL) == 0) {
			if (provider_is_keyed(p, list, n))
				each(arg, p);
			provider_free(p);
		}
		free(names[i]);
	}
	free(names);
}

static void used_add_keyed(void *arg, const struct provider *p)
{
	used_add(arg, p->name);
}

/* What ccrun -n says of it. */
static void launch_try(struct checkup *d, const char *path, const char *word)
{
	const char *const argv[] = { "ccrun", "-n", word, NULL };
	struct program p = {
		.path = path, .argv = argv, .most = PRINT_MAX, .patience_ms = LAUNCH_MS
	};
	struct program_said said = { 0 };
	struct failure f = { 0 };

	if (program_run(&p, &said, &f) == 0 && !program_ended(&said, 0))
		program_failure(&said, &f);
	program_said_free(&said);
	if (!f.code)
		return;
	found_broken(d, f.hint, "ccrun %s: %s", word, f.what);
}

void check_launch(struct checkup *d)
{
	static struct used u;
	struct listed *list;
	char path[PATH_SIZE];
	unsigned i, n;

	if (path_installed("bin/ccrun", path, NULL) != 0)
		return;
	used_add_default(&u);
	list = entries_ask(d, &n);
	each_keyed(list, n, used_add_keyed, &u);
	free(list);
	for (i = 0; i < u.n; i++)
		launch_try(d, path, u.word[i]);
	if (u.n && !found_any(d))
		found_ok(d, "%s%s can be launched, as far as can be told without a launch",
			 u.word[0], u.n > 1 ? " and others" : "");
}

/* ---- entries ---- */

struct entries {
	struct checkup *d;
	const struct listed *list;
	unsigned n;
};

static void entry_compare(void *arg, const struct provider *p)
{
	struct wanted w[SESSION_ENTRIES_MAX];
	const struct entries *e = arg;
	const struct listed *at;
	int i, wanted = wanted_of(p, w, NULL);

	for (i = 0; i < wanted; i++) {
		at = entries_find(e->list, e->n, w[i].entry);
		if (!at || !wanted_differs(&w[i], at))
			continue;
		found_advice(e->d, NULL,
			     "%s: its files say something else than what was sealed "
			     "with the key, which no launch gets",
			     p->name);
		found_hint(e->d, "ccctl show %s; ccctl approve %s", p->name, w[i].entry);
		return;
	}
}

/* What a person agreed to, and may have forgotten. */
static void entry_check_policy(struct checkup *d, const struct listed *e)
{
	struct policy p;

	if (policy_parse(&p, e->policy, NULL) != 0)
		return;
	if (p.delivery == DELIVERY_ENV) {
		found_advice(d, NULL,
			     "%s is sealed with delivery = env: every program that a session "
			     "starts has the key",
			     e->name);
		found_hint(d, "take that out of its provider's [policy]; ccctl approve %s",
			   e->name);
	}
	if (p.confine == CONFINE_OFF) {
		found_advice(d, NULL,
			     "%s is sealed with confine = off: its sessions can signal your "
			     "other programs and type into terminals",
			     e->name);
		found_hint(d, "take that out of its provider's [policy]; ccctl approve %s",
			   e->name);
	}
}

/* Is the password manager's program there, which a source's command names? */
static void entry_check_source(struct checkup *d, const struct listed *e)
{
	const char *path = getenv("PATH"), *end;
	char program[SOURCE_COMMAND_MAX + 1], file[PATH_SIZE];
	struct failure f = { 0 };
	struct source_file s;

	if (source_load(e->source.ref, &s, &f) != 0) {
		found_broken(d, f.hint, "%s: %s", e->name, f.what);
		return;
	}
	if (s.shares[0]) {
		found_advice(d, NULL,
			     "%s comes from %s: a session that has one of these variables can "
			     "fetch the key itself: %s",
			     e->name, s.title, s.shares);
		found_hint(d,
			   "start ccrun without them, or keep the key in the vault: ccctl add %s "
			   "--replace",
			   e->name);
	}
	snprintf(program, sizeof(program), "%.*s", (int)strcspn(s.command, " \t"), s.command);
	if (strpbrk(program, "/{\"'"))
		return;
	for (path = path ? path : ""; *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, ':');
		if (snprintf(file, sizeof(file), "%.*s/%s", (int)(end - path), path, program) <
			    (int)sizeof(file) &&
		    access(file, X_OK) == 0)
			return;
	}
	found_broken(d, NULL, "%s comes from %s, whose program %s is not in PATH", e->name, s.title,
		     program);
	if (s.package[0])
		snprintf(file, sizeof(file), "install %s", s.package);
	/* The shipped file's words, or quoted ones (source_set_words). */
	if (s.package[0])
		fail_hint_text(&d->finding[d->n - 1].said, file);
	else
		found_hint(d, "install %s", program);
}

void check_entries(struct checkup *d)
{
	struct entries e = { .d = d };
	struct listed *list = entries_ask(d, &e.n);
	unsigned i;

	if (!list)
		return;
	e.list = list;
	each_keyed(list, e.n, entry_compare, &e);
	for (i = 0; i < e.n; i++) {
		entry_check_policy(d, &list[i]);
		if (list[i].has_source)
			entry_check_source(d, &list[i]);
	}
	free(list);
	if (!found_any(d))
		found_ok(d, "%u in the vault, sealed for what their files say", e.n);
}

/* ---- trials ---- */

static void trial_look_at(void *arg, const struct provider *p)
{
	const struct entries *e = arg;
	struct trial_subject now;
	struct kept_trial kept;
	char time[DATE_TEXT];

	/* From TRIAL_LOCKED on the provider was not asked. */
	if (!trial_kept(p->name, "", &kept) || trial_works(kept.outcome) ||
	    kept.outcome >= TRIAL_LOCKED || trial_subject_of(p, e->list, e->n, &now, NULL) != 0 ||
	    !trial_subject_same(&kept.subject, &now))
		return;
	found_broken(e->d, NULL, "%s did not work when it was tried last, %s: %s", p->name,
		     date_local(kept.at, time), trial_name(kept.outcome));
	found_hint(e->d, "ccctl test %s tries it again, and says what mends it", p->name);
}

void check_trials(struct checkup *d)
{
	struct entries e = { .d = d };
	struct listed *list = entries_ask(d, &e.n);

	e.list = list;
	each_keyed(list, e.n, trial_look_at, &e);
	if (list && !found_any(d))
		found_ok(d, "none of those whose key is here failed in its last trial");
	free(list);
}
