/*
 * config/provider/schema.c - which sections and keys a provider's file may have.  Others are
 * refused, with the nearest known one as a hint: a misspelt key must not be
 * ignored silently.
 */
#include "config/provider/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/provider/claude_options.h"
#include "config/provider/variables.h"
#include "config/ini/ini_file.h"
#include "config/provider/provider.h"
#include "config/provider/resolve_headers.h"
#include "config/provider/resolve_models.h"
#include "config/provider/resolve_regions.h"
#include "config/ini/keywords.h"
#include "wire/names.h"

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

static const char *const sections[] = { "provider",   "secrets", "headers", "parameters", "models",
					"regions",    "betas",	 "env",	    "policy",	  "usage",
					"statusline", "prices",	 "mode" };
/* of these a mode may have its own */
static const char *const mode_parts[] = { "env",     "models",	"regions",    "betas",
					  "headers", "secrets", "parameters", "policy" };

static const char *const provider_keys[] = { "title",	"use",	       "base_url",  "auth",
					     "secret",	"placeholder", "docs",	    "verified",
					     "key_url", "needs",       "needs_any", "skip_auth" };
static const char *const usage_keys[] = { "kind" };
static const char *const statusline_keys[] = { "label", "colour" };
static const char *const policy_keys[] = { "delivery", "nested",  "strict",	"keep",	  "ttl",
					   "linger",   "confine", "config_dir", "confirm" };

bool schema_mode(const char *section, char mode[NAME_MAX_LEN + 1])
{
	const char *p, *end;

	mode[0] = '\0';
	if (strncmp(section, "mode ", 5) != 0)
		return strcmp(section, "mode") == 0;
	p = section + 5;
	end = strchrnul(p, ' ');
	if (end > p && end - p <= NAME_MAX_LEN) {
		memcpy(mode, p, (size_t)(end - p));
		mode[end - p] = '\0';
	}
	return true;
}

/* Check a heading.  *part becomes the kind of section, for schema_check_key. */
static int schema_check_section(const struct ini_item *it, const char **part, struct failure *f)
{
	char mode[NAME_MAX_LEN + 1];
	const char *rest;

	if (!schema_mode(it->section, mode)) {
		*part = it->section;
		if (!keywords_have(sections, COUNT(sections) - 1, it->section))
			return keywords_fail_unknown(it, "section", it->section, sections,
						     COUNT(sections), f);
		return 0;
	}
	if (!wire_name_ok(mode))
		return ini_fail(f, it, "write [mode NAME] or [mode NAME env]",
				"not a name for a mode");
	if (claude_has_option(mode))
		return ini_fail(f, it, "choose another name",
				"mode %s: the client has an option --%s", mode, mode);
	rest = it->section + strlen("mode ") + strlen(mode);
	*part = *rest ? rest + 1 : "provider";
	if (*rest && !keywords_have(mode_parts, COUNT(mode_parts), *part))
		return keywords_fail_unknown(it, "section of a mode", *part, mode_parts,
					     COUNT(mode_parts), f);
	return 0;
}

static int schema_check_parameter(const struct ini_item *it, struct failure *f)
{
	size_t i;

	for (i = 0; it->key[i]; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", it->key[i]))
			break;
	if (it->key[i] || i > 32 || !(it->key[0] >= 'a' && it->key[0] <= 'z'))
		return ini_fail(f, it, "names are like region or project_id",
				"not a name for a parameter");
	return 0;
}

static int schema_check_variable(const struct ini_item *it, struct failure *f)
{
	const char *instead;

	if (!wire_variable_ok(it->key))
		return ini_fail(f, it, NULL, "not a name for an environment variable");
	instead = variable_refusal_hint(it->key);
	if (instead)
		return ini_fail(f, it, instead, "%s cannot be set in [%s]", it->key, it->section);
	return 0;
}

static int schema_check_secret(const struct ini_item *it, struct failure *f)
{
	if (strcmp(it->key, "exposed") == 0)
		return 0;
	if (!wire_carrier_ok(it->key))
		return ini_fail(f, it,
				"lines are: VARIABLE = vault entry, or header:NAME = vault entry",
				"not a name for an environment variable or a header");
	if (wire_carrier_header(it->key))
		return strchr(wire_carrier_header(it->key), ':')
			       ? ini_fail(f, it, "lines are: header:NAME = SCHEME ENTRY",
					  "the scheme stands before the entry's name")
			       : 0;
	/* What [env] may not say either: routes, networks, directories, programs. */
	if (!variable_is_secret(it->key) && variable_refusal_hint(it->key))
		return ini_fail(f, it, NULL, "a secret cannot be delivered as %s", it->key);
	return 0;
}

static int schema_check_beta(const struct ini_item *it, struct failure *f)
{
	return wire_name_ok(it->key)
		       ? 0
		       : ini_fail(f, it, "lines are: NAME = yes", "not a name for a beta");
}

static int schema_check_known_key(const struct ini_item *it, const char *const *keys, unsigned n,
				  struct failure *f)
{
	return keywords_have(keys, n, it->key)
		       ? 0
		       : keywords_fail_unknown(it, "key", it->key, keys, n, f);
}

static int schema_check_key(const struct ini_item *it, const char *part, struct failure *f)
{
	if (strcmp(part, "usage") == 0)
		return schema_check_known_key(it, usage_keys, COUNT(usage_keys), f);
	if (strcmp(part, "statusline") == 0)
		return schema_check_known_key(it, statusline_keys, COUNT(statusline_keys), f);
	if (strcmp(part, "env") == 0)
		return schema_check_variable(it, f);
	if (strcmp(part, "secrets") == 0)
		return schema_check_secret(it, f);
	if (strcmp(part, "parameters") == 0)
		return schema_check_parameter(it, f);
	if (strcmp(part, "models") == 0)
		return models_check_key(it, false, f);
	if (strcmp(part, "regions") == 0)
		return regions_check_key(it, f);
	if (strcmp(part, "headers") == 0)
		return headers_check_key(it, f);
	if (strcmp(part, "betas") == 0)
		return schema_check_beta(it, f);
	/* Any model may have a price. */
	if (strcmp(part, "prices") == 0)
		return 0;
	if (strcmp(part, "policy") == 0 && strcmp(it->key, "exposed") == 0)
		return ini_fail(f, it, "exposed = yes stands in [secrets]",
				"exposed is no key of [%s]", it->section);
	if (strcmp(part, "policy") == 0)
		return schema_check_known_key(it, policy_keys, COUNT(policy_keys), f);
	if (strcmp(it->key, "use") == 0 && it->value[0] && !wire_name_ok(it->value))
		return ini_fail(f, it, NULL, "use: not a provider's name");
	return schema_check_known_key(it, provider_keys, COUNT(provider_keys), f);
}

/* Refuse more modes than struct provider has room for. */
static int schema_check_mode_count(const struct ini_file *file, unsigned upto, struct failure *f)
{
	char seen[PROVIDER_MODES_MAX][NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];
	unsigned i, k, n = 0;

	for (i = 0; i <= upto; i++) {
		if (file->item[i].key || !schema_mode(file->item[i].section, mode))
			continue;
		for (k = 0; k < n && strcmp(seen[k], mode) != 0; k++)
			;
		if (k < n)
			continue;
		if (n == PROVIDER_MODES_MAX)
			return ini_fail(f, &file->item[i], NULL, "more than %d modes",
					PROVIDER_MODES_MAX);
		memcpy(seen[n++], mode, sizeof(mode));
	}
	return 0;
}

int schema_check(const struct ini_file *file, struct failure *f)
{
	const char *part = "";
	unsigned i;

	for (i = 0; i < file->items; i++) {
		const struct ini_item *it = &file->item[i];

		if (!it->key && schema_check_section(it, &part, f) != 0)
			return -1;
		if (it->key && schema_check_key(it, part, f) != 0)
			return -1;
	}
	return file->items ? schema_check_mode_count(file, file->items - 1, f) : 0;
}
