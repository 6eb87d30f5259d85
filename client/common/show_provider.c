/*
 * client/common/show_provider.c - the environment that a provider's files give claude,
 * and where each value comes from.
 */
#include "client/common/show_provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "client/common/entries.h"
#include "client/common/output.h"
#include "config/client/forced.h"
#include "config/client/network.h"
#include "config/client/settings_files.h"
#include "config/client/takeover.h"
#include "config/provider/delivery.h"
#include "config/provider/environment.h"
#include "config/provider/manager_variables.h"
#include "config/provider/provider.h"
#include "config/provider/variables.h"
#include "config/source/source_opens.h"
#include "json/output.h"

/* Where a variable's value comes from: a line of a file, or ccrun itself. */
static const char *change_where(const struct provider *p, const struct env_change *c)
{
	unsigned i;

	for (i = 0; i < p->envs; i++)
		if (strlen(p->env[i].name) == c->name_len &&
		    memcmp(p->env[i].name, c->name, c->name_len) == 0)
			return p->env[i].where[0] ? p->env[i].where : p->env[i].from;
	return "ccrun";
}

/* Its value as it may be shown. */
static void change_value(const struct env_change *c, char out[NETWORK_VALUE_MAX + 1])
{
	char name[VARIABLE_MAX_LEN + 64];

	snprintf(name, sizeof(name), "%.*s", (int)c->name_len, c->name);
	if (variable_is_proxy(name))
		network_show_text(c->value, out);
	else
		snprintf(out, NETWORK_VALUE_MAX + 1, "%s", c->value);
}

static void change_print(const struct provider *p, const struct env_change *c)
{
	char value[NETWORK_VALUE_MAX + 1];

	printf("sends     %.*s=", (int)c->name_len, c->name);
	change_value(c, value);
	put_plain(value);
	printf("   (");
	put_plain(change_where(p, c));
	printf(")\n");
}

/* Its name is whatever the environment has. */
static void drop_print(const struct env_change *c)
{
	char name[256];

	snprintf(name, sizeof(name), "%.*s", (int)c->name_len, c->name);
	printf("drops     ");
	put_plain(name);
	putchar('\n');
}

/*
 * What ccrun will take over of the person's settings, into p.  *files is then the caller's
 * (settings_files_free).  0; or -1 with f set: ccrun will refuse to start claude with it.
 */
static int show_take_over(struct provider *p, struct settings_files **files, struct takeover *taken,
			  struct failure *f)
{
	bool relayed = p->secrets && provider_delivery_sealed(p) == DELIVERY_RELAY;

	taken->n = 0;
	if (settings_files_of_person(p, NULL, files, f) != 0)
		return -1;
	takeover(p, *files, relayed, taken);
	return forced_check(p, *files, relayed, f);
}

static void setting_print(const struct setting *s)
{
	char where[TAKEOVER_WHERE];

	if (s->fate == SETTING_TAKEN)
		return; /* "sends" says where it is from */
	setting_where(s, where);
	printf("%-10s", s->fate == SETTING_IGNORED ? "ignores" : "heeds");
	put_plain(s->name);
	printf("   (");
	put_plain(where);
	printf(")");
	if (s->why[0]) {
		printf(": ");
		put_plain(s->why);
	}
	putchar('\n');
}

/* What its file says of itself. */
static void about_print(const char *what, const char *text)
{
	if (!text[0])
		return;
	printf("%-10s", what);
	put_plain(text);
	putchar('\n');
}

/* Files that cannot be read have launches refused; ccctl doctor says which. */
static const struct own_manager_variables *own_opens(void)
{
	static struct own_manager_variables own;

	source_own_opens(&own, NULL);
	return &own;
}

void show_provider(struct provider *p)
{
	static struct takeover taken;
	struct settings_files *files = NULL;
	struct failure forced = { 0 };
	struct env_change *c;
	char word[PROVIDER_WORD];
	unsigned s;
	int i, n, refused = show_take_over(p, &files, &taken, &forced);

	n = environment_plan(p, false, own_opens(), environ, &c);
	provider_word(p, word);
	printf("provider  ");
	put_plain(word);
	printf(" (");
	put_plain(p->title);
	printf(")\n");
	about_print("docs", p->docs);
	about_print("verified", p->verified);
	for (i = 0; i < n; i++)
		if (c[i].action == ENV_SET)
			change_print(p, &c[i]);
	for (s = 0; s < p->secrets; s++)
		printf("sends     %s=(the key '%s')\n", p->secret[s].variable, p->secret[s].entry);
	for (i = 0; i < n; i++)
		if (c[i].action == ENV_UNSET || c[i].action == ENV_SAVE)
			drop_print(&c[i]);
	for (s = 0; s < taken.n; s++)
		setting_print(&taken.setting[s]);
	if (refused) {
		printf("refused   ");
		put_plain(forced.what);
		putchar('\n');
	}
	settings_files_free(files);
	if (n >= 0)
		free(c);
}

/* Those that did not become variables: [{name, where, why}]. */
static void settings_json(struct json_t *o, const struct takeover *taken)
{
	struct json_t *heeded = js_array(), *ignored = js_array(), *item;
	char where[TAKEOVER_WHERE];
	unsigned i;

	for (i = 0; i < taken->n; i++) {
		if (taken->setting[i].fate == SETTING_TAKEN)
			continue;
		item = js_object();
		setting_where(&taken->setting[i], where);
		js_text(item, "name", taken->setting[i].name);
		js_text(item, "where", where);
		if (taken->setting[i].fate == SETTING_IGNORED)
			js_text(item, "why", taken->setting[i].why);
		js_append(taken->setting[i].fate == SETTING_IGNORED ? ignored : heeded, item);
	}
	js_put(o, "heeded", heeded);
	js_put(o, "ignored", ignored);
}

struct json_t *show_provider_json(struct provider *p)
{
	static struct takeover taken;
	struct settings_files *files = NULL;
	struct failure forced = { 0 };
	char value[NETWORK_VALUE_MAX + 1];
	struct json_t *o = js_object(), *set = js_array(), *secrets = js_array(),
		      *dropped = js_array(), *item;
	char name[VARIABLE_MAX_LEN + 64], word[PROVIDER_WORD];
	struct env_change *c;
	unsigned s;
	int i, n, refused = show_take_over(p, &files, &taken, &forced);

	n = environment_plan(p, false, own_opens(), environ, &c);
	provider_word(p, word);
	js_text(o, "provider", word);
	js_text(o, "title", p->title);
	js_text(o, "docs", p->docs[0] ? p->docs : NULL);
	js_text(o, "verified", p->verified[0] ? p->verified : NULL);
	js_text(o, "url", p->base_url[0] ? p->base_url : NULL);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%.*s", (int)c[i].name_len, c[i].name);
		if (c[i].action == ENV_UNSET || c[i].action == ENV_SAVE)
			js_append_text(dropped, name);
		if (c[i].action != ENV_SET)
			continue;
		item = js_object();
		js_text(item, "name", name);
		change_value(&c[i], value);
		js_text(item, "value", value);
		js_text(item, "where", change_where(p, &c[i]));
		js_append(set, item);
	}
	for (s = 0; s < p->secrets; s++) {
		item = js_object();
		js_text(item, "variable", p->secret[s].variable);
		js_text(item, "entry", p->secret[s].entry);
		js_append(secrets, item);
	}
	if (n >= 0)
		free(c);
	js_put(o, "set", set);
	js_put(o, "secrets", secrets);
	js_put(o, "dropped", dropped);
	settings_json(o, &taken);
	js_text(o, "refused", refused ? forced.what : NULL);
	settings_files_free(files);
	return o;
}
