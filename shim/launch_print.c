/*
 * shim/launch_print.c - ccrun -n: what would be executed and set.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "config/client/network.h"
#include "config/client/takeover.h"
#include "config/provider/delivery.h"
#include "config/provider/environment.h"
#include "config/provider/provider.h"
#include "config/provider/variables.h"
#include "shim/client_report.h"
#include "shim/confine.h"
#include "shim/keyless.h"
#include "shim/launch.h"
#include "shim/relay.h"
#include "shim/target.h"

static void print_network_value(const char *what, const struct network_value *v)
{
	char text[NETWORK_VALUE_MAX + 1];

	if (!v->text[0])
		return;
	network_show_text(v->text, text);
	fail_sanitize(text);
	printf("%s %s (%s, %s)\n", what, text, v->name, v->from);
}

/* How the key is used, and through what it goes. */
static void print_delivery(const struct launch *l)
{
	char address[PROVIDER_PATH + ORIGIN_MAX_LEN + 32];
	const struct provider *p = l->provider;

	if (p->secrets == 0) {
		puts("delivery none");
		keyless_address(p, address, sizeof(address));
		if (address[0])
			printf("origin %s\n", address);
		return;
	}
	printf("delivery %s%s%s%s\n", delivery_name(l->delivery), l->why[0] ? " (" : "", l->why,
	       l->why[0] ? ")" : "");
	printf("origin %s\n", p->origin);
	/* What is sealed may want it too: ccctl show. */
	if (p->policy.confirm != CONFIRM_NO)
		printf("confirm %s\n", confirm_name(p->policy.confirm));
	if (l->delivery != DELIVERY_RELAY)
		return;
	print_network_value("proxy", &l->network->proxy);
	print_network_value("no-proxy", &l->network->no_proxy);
	print_network_value("ca", &l->network->ca);
	print_network_value("certificate", &l->network->cert);
	print_network_value("certificate-key", &l->network->key);
}

/* Where they go with secret ones; else they are a variable of their own. */
static void print_headers(const char *how, const struct provider *p)
{
	unsigned i;

	for (i = 0; i < p->headers; i++)
		printf("%s header:%s=%s\n", how, p->header[i].name, p->header[i].value);
}

static void print_relay(const struct provider *p, const struct relay_variables *r)
{
	unsigned i;

	/* The first two name the socket, which is not made yet. */
	for (i = 0; i < 2; i++)
		printf("set %s=(the relay's socket)\n", r->v[i].name);
	for (; i < r->n; i++)
		if (r->v[i].value[0])
			printf("set %s=%s\n", r->v[i].name, r->v[i].value);
	for (i = 0; i < p->secrets; i++)
		printf("relay %s=(from vault: %s)\n", p->secret[i].variable, p->secret[i].entry);
	print_headers("relay", p);
}

/* Of several lines, as of headers, each by itself.  A proxy may have credentials in it. */
static void print_value(const struct env_change *c)
{
	char name[VARIABLE_MAX_LEN + 1], text[NETWORK_VALUE_MAX + 1];
	const char *line = c->value, *end;

	snprintf(name, sizeof(name), "%.*s", (int)c->name_len, c->name);
	if (variable_is_proxy(name)) {
		network_show_text(c->value, text);
		line = text;
	}
	do {
		end = strchrnul(line, '\n');
		printf("set %s=%.*s\n", name, (int)(end - line), line);
		line = end + 1;
	} while (*end);
}

static void print_set(const struct launch *l, const struct env_change *c, int n)
{
	const struct provider *p = l->provider;
	bool relayed = p->secrets && l->delivery == DELIVERY_RELAY;
	struct relay_variables r = { .n = 0 };
	unsigned s;
	int i;

	if (relayed)
		relay_variables(p, 0, l->first_party, &r);
	for (i = 0; i < n; i++)
		if (c[i].action == ENV_SET && !relay_variables_name(&r, c[i].name, c[i].name_len))
			print_value(&c[i]);
	if (relayed) {
		print_relay(p, &r);
		return;
	}
	for (s = 0; s < p->secrets; s++)
		printf("set %s=(from vault: %s)\n", p->secret[s].variable, p->secret[s].entry);
	if (secrets_have_header(p))
		print_headers("set", p);
}

static void print_settings(const struct takeover *t)
{
	static const char *const fates[] = { [SETTING_TAKEN] = "taken",
					     [SETTING_BEFORE] = "heeded",
					     [SETTING_IGNORED] = "ignored" };
	char where[TAKEOVER_WHERE];
	unsigned i;

	for (i = 0; i < t->n; i++) {
		setting_where(&t->setting[i], where);
		printf("%s %s (%s)%s%s\n", fates[t->setting[i].fate], t->setting[i].name, where,
		       t->setting[i].why[0] ? ": " : "", t->setting[i].why);
	}
}

static void print_unset(const struct env_change *c, int n)
{
	char name[256];
	int i;

	for (i = 0; i < n; i++) {
		if (c[i].action != ENV_UNSET && c[i].action != ENV_SAVE)
			continue;
		/* It is whatever the environment has. */
		snprintf(name, sizeof(name), "%.*s", (int)c[i].name_len, c[i].name);
		fail_sanitize(name);
		printf("unset %s%s\n", name,
		       c[i].action == ENV_SAVE ? " (children get it back)" : "");
	}
}

int launch_print(const struct launch *l, struct failure *f)
{
	const struct provider *p = l->provider;
	struct env_change *c;
	int n = environment_plan(p, launch_key_inside(l), l->opens, environ, &c);

	if (n < 0)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the environment");
	printf("provider %s%s%s\n", p->name, p->mode[0] ? ":" : "", p->mode);
	if (l->pin[0])
		printf("pin %s\n", l->pin);
	printf("target %s\n", l->target->path);
	client_print_others(l->target);
	print_delivery(l);
	printf("confined %s\n", confine_text(l->confinement));
	if (p->usage[0])
		printf("usage %s\n", p->usage);
	if (p->note[0])
		printf("note %s\n", p->note);
	print_set(l, c, n);
	print_unset(c, n);
	print_settings(l->taken);
	free(c);
	return io_flush(stdout) == 0 ? 0 : fail_errno(f, NULL, "standard output");
}
