/*
 * config/provider/provider.c - a provider loaded: its layers read, then resolved step
 * by step; and the list of all there are.
 */
#include "config/provider/provider.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fail.h"
#include "config/settings/colour.h"
#include "config/provider/resolve.h"
#include "wire/message.h"

/* needs_any is read by others word by word: refuse what they would not know. */
static int check_needs(const struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "needs_any", NULL);
	const char *s;

	for (s = p->needs_any; *s; s += strcspn(s, " \t")) {
		s += strspn(s, " \t");
		if (*s && strncmp(s, "env:", 4) != 0 && strncmp(s, "file:~/", 7) != 0 &&
		    strncmp(s, "file:/", 6) != 0)
			return ini_fail(f, it, NULL, "needs_any: words are env:NAME or file:PATH");
	}
	return 0;
}

/* "no, from documentation; seen at ..." is "from documentation" in a list. */
static void unverified(struct provider *p)
{
	const char *why = p->verified + 2;
	size_t n;

	if (strncmp(p->verified, "no", 2) != 0 || !strchr(",; ", *why))
		return;
	why += strspn(why, ", ");
	n = strcspn(why, ";");
	if (n == 0 || n >= sizeof(p->unverified))
		snprintf(p->unverified, sizeof(p->unverified), "see its file");
	else
		snprintf(p->unverified, sizeof(p->unverified), "%.*s", (int)n, why);
}

static int texts(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "key_url", NULL);

	if (params_text(p, v, "title", p->title, sizeof(p->title), f) != 0 ||
	    params_text(p, v, "docs", p->docs, sizeof(p->docs), f) != 0 ||
	    params_text(p, v, "verified", p->verified, sizeof(p->verified), f) != 0 ||
	    params_text(p, v, "key_url", p->key_url, sizeof(p->key_url), f) != 0 ||
	    params_text(p, v, "needs", p->needs, sizeof(p->needs), f) != 0 ||
	    params_text(p, v, "needs_any", p->needs_any, sizeof(p->needs_any), f) != 0)
		return -1;
	if (!p->title[0])
		snprintf(p->title, sizeof(p->title), "%s", p->name);
	if (it && (strncmp(p->key_url, "https://", 8) != 0 || strchr(p->key_url, ' ')))
		return ini_fail(f, it, NULL, "key_url is an https:// address");
	unverified(p);
	return check_needs(p, v, f);
}

/* Is the endpoint this machine because of the mode, and not of the provider? */
static bool made_local(const struct provider *p, const struct view *v)
{
	const struct layer_section *from = NULL;

	if (!p->local || !p->mode[0])
		return false;
	return v->borrowed || (view_get(v, "provider", "base_url", &from) && from->mode);
}

/* What the status line calls it: a mode that goes to this machine is no longer
 * the provider whose name it bears. */
static int label(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *own = view_get(v, "statusline", "label", NULL);
	const struct ini_item *colour = view_get(v, "statusline", "colour", NULL);
	char sgr[COLOUR_SGR];

	if (own && strlen(own->value) > PROVIDER_LABEL_MAX)
		return ini_fail(f, own, "it is a word or two", "label has more than %d bytes",
				PROVIDER_LABEL_MAX);
	if (colour && colour_sgr(colour->value, sgr) != 0)
		return ini_fail(f, colour, "like cyan, bright-red, bold 208, dim, none",
				"colour is no colour");
	if (p->local && (!own || made_local(p, v)))
		snprintf(p->label, sizeof(p->label), "Local");
	else
		snprintf(p->label, sizeof(p->label), "%s", own ? own->value : p->title);
	snprintf(p->colour, sizeof(p->colour), "%s", colour ? colour->value : "");
	return 0;
}

/* This machine has no quota to ask for. */
static int usage(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *kind = view_get(v, "usage", "kind", NULL);

	if (kind && !wire_name_ok(kind->value))
		return ini_fail(f, kind, NULL, "kind is not the name of a kind");
	if (kind && !p->local)
		snprintf(p->usage, sizeof(p->usage), "%s", kind->value);
	return 0;
}

static int policy(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *items[8];
	struct failure why;
	int i, n = view_items(v, 0, "policy", items, 8, f);

	policy_default(&p->policy);
	for (i = 0; i < n; i++)
		if (policy_set(&p->policy, items[i]->key, items[i]->value, &why) != 0)
			return ini_fail(f, items[i], why.hint[0] ? why.hint : NULL, "%s", why.what);
	p->policy.exposed = p->exposed;
	return n < 0 ? -1 : 0;
}

static int resolve(struct provider *p, const struct view *v, const char *key, const char *value,
		   struct failure *f)
{
	unsigned i;

	p->mode_count = layers_modes(&v->own, p->modes, PROVIDER_MODES_MAX);
	if (resolve_params(p, v, f) != 0)
		return -1;
	for (i = 0; key && i < p->params; i++)
		if (strcmp(p->param[i].name, key) == 0)
			snprintf(p->param[i].value, sizeof(p->param[i].value), "%s", value);
	if (resolve_check_choices(p, v, f) != 0 || resolve_auth(p, v, f) != 0 ||
	    resolve_secrets(p, v, f) != 0 || resolve_endpoint(p, v, f) != 0 ||
	    policy(p, v, f) != 0 || resolve_env(p, v, f) != 0)
		return -1;
	return texts(p, v, f) != 0 || label(p, v, f) != 0 ? -1 : usage(p, v, f);
}

/*
 * A hundred kilobytes of which few are used: fresh pages, because calloc may
 * write all of them, which ccrun would feel at every start.
 */
static struct provider *new_provider(void)
{
	void *p = mmap(NULL, sizeof(struct provider), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int provider_load_trying(const char *name, const char *mode, const char *key, const char *value,
		       struct provider **out, struct failure *f)
{
	struct provider *p = NULL;
	struct view *v = NULL;
	int ret = -1;

	*out = NULL;
	if (!mode)
		mode = "";
	/* before any path is made of it */
	if (!wire_name_ok(name))
		return fail_set(f, FAIL_USAGE, "names are letters, digits and . _ -",
				"not a provider's name");
	p = new_provider();
	v = calloc(1, sizeof(*v));
	if (!p || !v) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "provider %s: no memory", name);
		goto out;
	}
	if (layers_load(v, name, mode, f) != 0)
		goto out;
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->mode, sizeof(p->mode), "%s", mode);
	if (resolve(p, v, key, value, f) != 0)
		goto out;
	*out = p;
	p = NULL;
	ret = 0;
out:
	if (v)
		layers_free(v);
	free(v);
	provider_free(p);
	return ret;
}

int provider_load(const char *name, const char *mode, struct provider **out, struct failure *f)
{
	return provider_load_trying(name, mode, NULL, NULL, out, f);
}

void provider_free(struct provider *p)
{
	if (p)
		munmap(p, sizeof(*p));
}

const struct provider_param *provider_missing(const struct provider *p)
{
	unsigned i;

	for (i = 0; i < p->params; i++)
		if (!p->param[i].value[0])
			return &p->param[i];
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(char ***names, unsigned *n, const char *leaf)
{
	size_t len = strlen(leaf);
	char name[NAME_MAX_LEN + 1], **grown;
	unsigned i;

	if (len <= 5 || len - 5 > NAME_MAX_LEN || strcmp(leaf + len - 5, ".conf") != 0)
		return 0;
	memcpy(name, leaf, len - 5);
	name[len - 5] = '\0';
	if (!wire_name_ok(name))
		return 0;
	for (i = 0; i < *n; i++)
		if (strcmp((*names)[i], name) == 0)
			return 0;
	grown = reallocarray(*names, *n + 1, sizeof(**names));
	if (!grown)
		return -1;
	*names = grown;
	grown[*n] = strdup(name);
	return grown[*n] ? (++*n, 0) : -1;
}

/* Takes fd over. */
static int list_dir(int fd, const char *path, char ***names, unsigned *n, struct failure *f)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int ret = 0;

	if (!d) {
		close(fd);
		return fail_errno(f, NULL, "%s", path);
	}
	while (ret == 0 && (e = readdir(d)))
		if (add_name(names, n, e->d_name) != 0)
			ret = fail_set(f, FAIL_NO_MEMORY, NULL, "%s: no memory", path);
	closedir(d);
	return ret;
}

int provider_names(char ***names, unsigned *n, struct failure *f)
{
	char path[PATH_SIZE];
	int shipped, fd;

	*names = NULL;
	*n = 0;
	for (shipped = 1; shipped >= 0; shipped--) {
		if (provider_dir_open(shipped, path, &fd, f) != 0)
			goto fail;
		if (fd >= 0 && list_dir(fd, path, names, n, f) != 0)
			goto fail;
	}
	if (*n)
		qsort(*names, *n, sizeof(**names), compare);
	return 0;
fail:
	while (*n)
		free((*names)[--*n]);
	free(*names);
	*names = NULL;
	return -1;
}
