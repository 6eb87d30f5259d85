/*
 * client/common/show_provider.c - the environment that a provider's files give claude,
 * and where each value comes from.
 */
#include "client/common/show_provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/common/entries.h"
#include "client/common/output.h"
#include "config/provider/environment.h"
#include "config/provider/provider.h"
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

static void change_print(const struct provider *p, const struct env_change *c)
{
	printf("sends     %.*s=", (int)c->name_len, c->name);
	put_plain(c->value);
	printf("   (");
	put_plain(change_where(p, c));
	printf(")\n");
}

void show_provider(const struct provider *p)
{
	struct env_change *c;
	char word[PROVIDER_WORD];
	unsigned s;
	int i, n = environment_plan(p, environ, &c);

	provider_word(p, word);
	printf("provider  ");
	put_plain(word);
	printf(" (");
	put_plain(p->title);
	printf(")\n");
	for (i = 0; i < n; i++)
		if (c[i].action == ENV_SET)
			change_print(p, &c[i]);
	for (s = 0; s < p->secrets; s++)
		printf("sends     %s=(the key '%s')\n", p->secret[s].variable, p->secret[s].entry);
	for (i = 0; i < n; i++)
		if (c[i].action == ENV_UNSET || c[i].action == ENV_SAVE)
			printf("drops     %.*s\n", (int)c[i].name_len, c[i].name);
	if (n >= 0)
		free(c);
}

struct json_t *show_provider_json(const struct provider *p)
{
	struct json_t *o = js_object(), *set = js_array(), *secrets = js_array(),
		      *dropped = js_array(), *item;
	char name[VARIABLE_MAX_LEN + 64], word[PROVIDER_WORD];
	struct env_change *c;
	unsigned s;
	int i, n = environment_plan(p, environ, &c);

	provider_word(p, word);
	js_text(o, "provider", word);
	js_text(o, "title", p->title);
	js_text(o, "url", p->base_url[0] ? p->base_url : NULL);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%.*s", (int)c[i].name_len, c[i].name);
		if (c[i].action == ENV_UNSET || c[i].action == ENV_SAVE)
			js_append_text(dropped, name);
		if (c[i].action != ENV_SET)
			continue;
		item = js_object();
		js_text(item, "name", name);
		js_text(item, "value", c[i].value);
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
	return o;
}
