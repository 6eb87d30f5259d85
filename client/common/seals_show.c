/*
 * client/common/seals_show.c - the differences between a seal and what is to be sealed.
 */
#include "client/common/seals_show.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/paths.h"
#include "client/common/output.h"
#include "client/common/seals_meaning.h"
#include "config/client/network.h"
#include "config/provider/env_sealed.h"
#include "config/provider/provider.h"
#include "wire/endpoint.h"
#include "wire/policy.h"

static void print_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void print_line(const char *fmt, ...)
{
	char text[POLICY_VALUE + 2 * NETWORK_VALUE_MAX + PATH_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fputs("  ", stdout);
	put_plain(text);
	putchar('\n');
}

static void show_meaning(const char *text)
{
	printf("      %s\n", text);
}

static void show_part(const char *what, const char *from, const char *to)
{
	if (strcmp(from, to) == 0)
		return;
	printf("  %-9s", what);
	put_plain(from);
	fputs("\n        -> ", stdout);
	put_plain(to);
	putchar('\n');
}

/* The variables that are sealed by their digest, a line each. */
static void show_env(const struct provider *p, const char *from, const char *to)
{
	char env[ENV_SEALED_MAX + 1], *line, *save = NULL;

	printf("  env      %s\n        -> ", from[0] ? "other variables" : "none");
	if (!to[0])
		puts("none");
	if (!to[0] || provider_env_sealed(p, env, NULL) < 0)
		return;
	for (line = strtok_r(env, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (line != env)
			fputs("           ", stdout);
		put_plain(line);
		putchar('\n');
	}
}

/* The bytes of the file are sealed; the name tells a person which it is. */
static void show_ca(const struct wanted *w, const char *from, const char *to)
{
	printf("  certificate authorities: %s -> ", from[0] ? from : "none");
	if (to[0])
		put_plain(w->ca_file);
	printf(to[0] ? " (%s)\n" : "none%s\n", to);
}

/* The lines that are sealed by their digest; none are, where the files have none. */
static void show_prices(const struct provider *p, const char *from, const char *to)
{
	printf("  prices %s -> %s\n",
	       !from[0] ? "none"
	       : to[0]	? "others"
			: "some",
	       to[0] ? "these" : "none");
	seal_say_prices(p, print_line);
}

/* Value i, which differs. */
static void show_value(const struct provider *p, const struct wanted *w, const struct policy *from,
		       const struct policy *to, unsigned i)
{
	char old[POLICY_VALUE], new[POLICY_VALUE];
	const char *key = policy_key(i);

	policy_value(from, i, old);
	policy_value(to, i, new);
	if (strcmp(key, "env") == 0) {
		show_env(p, old, new);
	} else if (strcmp(key, "ca") == 0) {
		show_ca(w, old, new);
	} else if (strcmp(key, "prices") == 0) {
		show_prices(p, old, new);
	} else {
		seal_value_text(from, i, old);
		seal_value_text(to, i, new);
		printf("  %s ", key);
		put_plain(old);
		fputs(" -> ", stdout);
		put_plain(new);
		putchar('\n');
	}
}

static void show_policy(const struct provider *p, const char *from, const struct wanted *w)
{
	char old[POLICY_VALUE], new[POLICY_VALUE];
	struct policy a, b;
	unsigned i;

	if (policy_parse(&a, from, NULL) != 0 || policy_parse(&b, w->policy, NULL) != 0) {
		show_part("policy", from, w->policy);
		return;
	}
	for (i = 0; i < POLICY_KEYS; i++) {
		policy_value(&a, i, old);
		policy_value(&b, i, new);
		if (strcmp(old, new) == 0)
			continue;
		show_value(p, w, &a, &b, i);
		if (!seal_allows_more(&b, &a, i))
			continue;
		show_meaning(seal_meaning(policy_key(i)));
		if (strcmp(policy_key(i), "ca") == 0)
			seal_say_network(p, print_line);
	}
}

void seals_show_changes(const struct provider *p, const struct seal_change *ch, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		printf("'%s', for provider %s:\n", ch[i].to.entry, p->name);
		show_part("origin", ch[i].from.origin, ch[i].to.origin);
		if (!origin_is_sealed(ch[i].from.origin, ch[i].to.origin))
			show_meaning("the key is sent there");
		show_part("variable", ch[i].from.variable, ch[i].to.variable);
		show_policy(p, ch[i].from.policy, &ch[i].to);
		if (!ch[i].source_differs)
			continue;
		show_part("command", ch[i].from.source.command, ch[i].source.command);
		if (strcmp(ch[i].from.source.command, ch[i].source.command) != 0)
			show_meaning("it is run as you, outside of any session");
		show_part("output", ch[i].from.source.pick, ch[i].source.pick);
	}
	fflush(stdout);
}
