/*
 * wire/policy.c - a policy as a struct and as its canonical text.
 */
#include "wire/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/fail.h"

static const char *const deliveries[] = { [DELIVERY_RELAY] = "relay",
					  [DELIVERY_PRELOAD] = "preload",
					  [DELIVERY_AUTO] = "auto",
					  [DELIVERY_PIPE] = "pipe",
					  [DELIVERY_ENV] = "env" };

static const char *const nestings[] = { "deny", "use", "allow" };

static const char *const confirms[] = { "no", "first", "session" };
static const char *const confinements[] = {
	[CONFINE_ON] = "on", [CONFINE_AUTO] = "auto", [CONFINE_OFF] = "off"
};

const char *confine_name(enum confine c)
{
	return confinements[c];
}

int confine_from_name(const char *name)
{
	int i;

	for (i = 0; i < (int)(sizeof(confinements) / sizeof(confinements[0])); i++)
		if (strcmp(confinements[i], name) == 0)
			return i;
	return -1;
}

const char *delivery_name(enum delivery d)
{
	return deliveries[d];
}

int delivery_from_name(const char *name)
{
	int i;

	for (i = 0; i < (int)(sizeof(deliveries) / sizeof(deliveries[0])); i++)
		if (strcmp(deliveries[i], name) == 0)
			return i;
	return -1;
}

const char *confirm_name(enum confirm c)
{
	return confirms[c];
}

int confirm_from_name(const char *name)
{
	int i;

	for (i = CONFIRM_NO; i <= CONFIRM_SESSION; i++)
		if (strcmp(confirms[i], name) == 0)
			return i;
	return -1;
}

void policy_default(struct policy *p)
{
	memset(p, 0, sizeof(*p));
	p->delivery = DELIVERY_AUTO;
	p->confine = CONFINE_AUTO;
}

static int policy_set_flag(bool *flag, const char *key, const char *value, const char *yes,
			   const char *no, struct failure *f)
{
	if (strcmp(value, yes) == 0)
		*flag = true;
	else if (strcmp(value, no) == 0)
		*flag = false;
	else
		return fail_set(f, FAIL_BAD_VALUE, NULL, "policy %s is %s or %s, not '%.40s'", key,
				yes, no, value);
	return 0;
}

/*
 * Is text "/...", "~/..." or "$XDG_CONFIG_HOME/..." (or DATA, STATE), of letters,
 * digits and . _ / @ + -, without empty parts, "." and ".."?  Such a text names one
 * directory, however it is quoted or normalised.
 */
static bool config_dir_is_plain(const char *text)
{
	static const char *const starts[] = { "/", "~/", "$XDG_CONFIG_HOME/", "$XDG_DATA_HOME/",
					      "$XDG_STATE_HOME/" };
	const char *part = NULL;
	size_t i, n;

	for (i = 0; i < sizeof(starts) / sizeof(starts[0]) && !part; i++)
		if (strncmp(text, starts[i], strlen(starts[i])) == 0)
			part = text + strlen(starts[i]);
	if (!part || strlen(text) > CONFIG_DIR_MAX)
		return false;
	for (;; part += n + 1) {
		n = strcspn(part, "/");
		for (i = 0; i < n; i++)
			if (!(part[i] >= 'a' && part[i] <= 'z') &&
			    !(part[i] >= 'A' && part[i] <= 'Z') &&
			    !(part[i] >= '0' && part[i] <= '9') && !strchr("._@+-", part[i]))
				return false;
		if (n == 0 || (n <= 2 && strspn(part, ".") == n))
			return false;
		if (part[n] == '\0')
			return true;
	}
}

static int policy_set_config_dir(struct policy *p, const char *value, struct failure *f)
{
	if (value[0] && !config_dir_is_plain(value))
		return fail_set(
			f, FAIL_BAD_VALUE,
			"like ~/.claude-work: an absolute path, or below ~/ or $XDG_CONFIG_HOME/, "
			"of letters, digits and . _ @ + -",
			"policy config_dir is a directory, not '%.40s'", value);
	memcpy(p->config_dir, value, strlen(value) + 1);
	return 0;
}

static int policy_set_nested(struct policy *p, const char *value, struct failure *f)
{
	int i;

	for (i = NESTED_DENY; i <= NESTED_ALLOW; i++)
		if (strcmp(nestings[i], value) == 0) {
			p->nested = (enum nested)i;
			return 0;
		}
	return fail_set(f, FAIL_BAD_VALUE, NULL, "policy nested is deny, use or allow, not '%.40s'",
			value);
}

static int policy_set_confirm(struct policy *p, const char *value, struct failure *f)
{
	int c = confirm_from_name(value);

	if (c < 0)
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"policy confirm is no, first or session, not '%.40s'", value);
	p->confirm = (enum confirm)c;
	return 0;
}

static int policy_set_confine(struct policy *p, const char *value, struct failure *f)
{
	int c = confine_from_name(value);

	if (c < 0)
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"policy confine is auto, on or off, not '%.40s'", value);
	p->confine = (enum confine)c;
	return 0;
}

static int policy_set_time(uint64_t *seconds, const char *key, const char *value, struct failure *f)
{
	uint64_t n;

	if (duration_parse(value, &n) != 0 || n > TTL_MAX)
		return fail_set(f, FAIL_BAD_VALUE, "like 90s, 30m, 12h or 7d; 0 for no limit",
				"policy %s is a length of time, not '%.40s'", key, value);
	*seconds = n;
	return 0;
}

/* In a policy the parts of a limit have commas between them, since blanks end its words. */
static void limit_swap(char *text, char from, char to)
{
	for (; *text; text++)
		if (*text == from)
			*text = to;
}

static int policy_set_limit(struct policy *p, const char *value, struct failure *f)
{
	char text[LIMIT_TEXT];

	if (strlen(value) >= sizeof(text) || strchr(value, ' '))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "policy limit is no limit: '%.40s'",
				value);
	memcpy(text, value, strlen(value) + 1);
	limit_swap(text, ',', ' ');
	return limit_parse(&p->limit, text, f);
}

static int policy_set_digest(char out[SEAL_DIGEST_HEX + 1], const char *key, const char *value,
			     struct failure *f)
{
	if (value[0] && (strlen(value) != SEAL_DIGEST_HEX ||
			 strspn(value, "0123456789abcdef") != SEAL_DIGEST_HEX))
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"policy %s is %d digits of a digest, not '%.40s'", key,
				SEAL_DIGEST_HEX, value);
	memcpy(out, value, strlen(value) + 1);
	return 0;
}

int policy_set(struct policy *p, const char *key, const char *value, struct failure *f)
{
	int d;

	if (strcmp(key, "delivery") == 0) {
		d = delivery_from_name(value);
		if (d < 0)
			return fail_set(f, FAIL_BAD_VALUE, NULL,
					"policy delivery is relay, preload, auto, pipe or env, not "
					"'%.40s'",
					value);
		p->delivery = (enum delivery)d;
		return 0;
	}
	if (strcmp(key, "nested") == 0)
		return policy_set_nested(p, value, f);
	if (strcmp(key, "strict") == 0)
		return policy_set_flag(&p->strict, key, value, "yes", "no", f);
	if (strcmp(key, "exposed") == 0)
		return policy_set_flag(&p->exposed, key, value, "yes", "no", f);
	if (strcmp(key, "keep") == 0)
		return policy_set_flag(&p->keep, key, value, "yes", "no", f);
	if (strcmp(key, "ttl") == 0)
		return policy_set_time(&p->ttl, key, value, f);
	if (strcmp(key, "linger") == 0)
		return policy_set_time(&p->linger, key, value, f);
	if (strcmp(key, "confine") == 0)
		return policy_set_confine(p, value, f);
	if (strcmp(key, "config_dir") == 0)
		return policy_set_config_dir(p, value, f);
	if (strcmp(key, "limit") == 0)
		return policy_set_limit(p, value, f);
	if (strcmp(key, "env") == 0)
		return policy_set_digest(p->env, key, value, f);
	if (strcmp(key, "ca") == 0)
		return policy_set_digest(p->ca, key, value, f);
	if (strcmp(key, "prices") == 0)
		return policy_set_digest(p->prices, key, value, f);
	if (strcmp(key, "confirm") == 0)
		return policy_set_confirm(p, value, f);
	return fail_set(f, FAIL_BAD_VALUE,
			"delivery, nested, strict, exposed, keep, ttl, linger, confine, "
			"config_dir, limit, env, ca, prices, confirm are known",
			"unknown policy '%.40s'", key);
}

int policy_parse(struct policy *p, const char *text, struct failure *f)
{
	char copy[POLICY_MAX_LEN + 1], *word, *save = NULL, *eq;

	policy_default(p);
	if (strlen(text) >= sizeof(copy))
		return fail_set(f, FAIL_TOO_LARGE, NULL, "policy longer than %d bytes",
				POLICY_MAX_LEN);
	memcpy(copy, text, strlen(text) + 1);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		eq = strchr(word, '=');
		if (!eq)
			return fail_set(f, FAIL_BAD_VALUE, NULL, "policy word '%.40s' has no '='",
					word);
		*eq = '\0';
		if (policy_set(p, word, eq + 1, f) != 0)
			return -1;
	}
	return 0;
}

/* In the order of the text. */
enum {
	KEY_DELIVERY,
	KEY_NESTED,
	KEY_STRICT,
	KEY_EXPOSED,
	KEY_KEEP,
	KEY_TTL,
	KEY_LINGER,
	KEY_CONFINE,
	KEY_DIR,
	KEY_LIMIT,
	KEY_ENV,
	KEY_CA,
	KEY_PRICES,
	KEY_CONFIRM
};

const char *policy_key(unsigned i)
{
	static const char *const keys[POLICY_KEYS] = {
		[KEY_DELIVERY] = "delivery", [KEY_NESTED] = "nested",	[KEY_STRICT] = "strict",
		[KEY_EXPOSED] = "exposed",   [KEY_KEEP] = "keep",	[KEY_TTL] = "ttl",
		[KEY_LINGER] = "linger",     [KEY_CONFINE] = "confine", [KEY_DIR] = "config_dir",
		[KEY_LIMIT] = "limit",	     [KEY_ENV] = "env",		[KEY_CA] = "ca",
		[KEY_PRICES] = "prices",     [KEY_CONFIRM] = "confirm"
	};

	return keys[i];
}

void policy_value(const struct policy *p, unsigned i, char out[POLICY_VALUE])
{
	char limit[LIMIT_TEXT];
	const char *text = "";

	switch (i) {
	case KEY_DELIVERY:
		text = delivery_name(p->delivery);
		break;
	case KEY_NESTED:
		text = nestings[p->nested];
		break;
	case KEY_STRICT:
		text = p->strict ? "yes" : "no";
		break;
	case KEY_EXPOSED:
		text = p->exposed ? "yes" : "no";
		break;
	case KEY_KEEP:
		text = p->keep ? "yes" : "no";
		break;
	case KEY_TTL:
		snprintf(out, POLICY_VALUE, "%" PRIu64, p->ttl);
		return;
	case KEY_LINGER:
		snprintf(out, POLICY_VALUE, "%" PRIu64, p->linger);
		return;
	case KEY_CONFINE:
		text = confine_name(p->confine);
		break;
	case KEY_DIR:
		text = p->config_dir;
		break;
	case KEY_LIMIT:
		limit_format(&p->limit, limit);
		limit_swap(limit, ' ', ',');
		text = limit;
		break;
	case KEY_ENV:
		text = p->env;
		break;
	case KEY_CA:
		text = p->ca;
		break;
	case KEY_PRICES:
		text = p->prices;
		break;
	case KEY_CONFIRM:
		text = confirm_name(p->confirm);
		break;
	}
	snprintf(out, POLICY_VALUE, "%s", text);
}

void policy_words_value(const struct policy *p, unsigned i, char out[POLICY_VALUE])
{
	uint64_t seconds = i == KEY_TTL ? p->ttl : i == KEY_LINGER ? p->linger : 0;

	if (seconds)
		duration_format(seconds, out);
	else
		policy_value(p, i, out);
}

/* Every text has the first four keys; the others came later, and are left out where they
 * say nothing, so that a text from before them is canonical still. */
static void policy_write(const struct policy *p, char *out, size_t size,
			 void (*value_of)(const struct policy *, unsigned, char *))
{
	char value[POLICY_VALUE], none[POLICY_VALUE];
	struct policy usual;
	size_t n = 0;
	unsigned i;

	policy_default(&usual);
	for (i = 0; i < POLICY_KEYS && n < size; i++) {
		value_of(p, i, value);
		value_of(&usual, i, none);
		if (i <= KEY_EXPOSED || strcmp(value, none) != 0)
			n += (size_t)snprintf(out + n, size - n, "%s%s=%s", i ? " " : "",
					      policy_key(i), value);
	}
}

void policy_format(const struct policy *p, char *out, size_t size)
{
	policy_write(p, out, size, policy_value);
}

void policy_words(const char *text, char *out)
{
	struct policy p;

	if (policy_parse(&p, text, NULL) == 0)
		policy_write(&p, out, POLICY_MAX_LEN + 1, policy_words_value);
	else
		snprintf(out, POLICY_MAX_LEN + 1, "%s", text);
}
