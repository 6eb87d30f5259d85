/*
 * import/map.c - which provider a token is for: by the address beside
 * it, else by its variable, else by its own beginning.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/provider/names.h"
#include "config/provider/params.h"
#include "import/import.h"
#include "config/provider/endpoint.h"
#include "wire/message.h"

static const struct {
	const char *variable;
	enum auth auth;
} carriers[] = {
	{ "ANTHROPIC_AUTH_TOKEN", AUTH_BEARER },       { "ANTHROPIC_API_KEY", AUTH_API_KEY },
	{ "CLAUDE_CODE_OAUTH_TOKEN", AUTH_OAUTH },     { "ANTHROPIC_FOUNDRY_API_KEY", AUTH_FOUNDRY },
	{ "AWS_BEARER_TOKEN_BEDROCK", AUTH_BEDROCK },
};

/* Variables that vendors' guides and switchers use; the address is for when no file names it. */
static const struct {
	const char *variable, *provider, *base_url;
} vendors[] = {
	{ "OPENROUTER_API_KEY", "openrouter", "https://openrouter.ai/api" },
	{ "ZAI_API_KEY", "zai", "https://api.z.ai/api/anthropic" },
	{ "Z_AI_API_KEY", "zai", "https://api.z.ai/api/anthropic" },
	{ "GLM_API_KEY", "zai", "https://api.z.ai/api/anthropic" },
	{ "ZHIPU_API_KEY", "zhipu", "https://open.bigmodel.cn/api/anthropic" },
	{ "ZHIPUAI_API_KEY", "zhipu", "https://open.bigmodel.cn/api/anthropic" },
	{ "DEEPSEEK_API_KEY", "deepseek", "https://api.deepseek.com/anthropic" },
	{ "MOONSHOT_API_KEY", "moonshot", "https://api.moonshot.ai/anthropic" },
	{ "KIMI_API_KEY", "kimi", "https://api.kimi.com/coding" },
	{ "MINIMAX_API_KEY", "minimax", "https://api.minimax.io/anthropic" },
	{ "QWEN_API_KEY", "qwen", "https://dashscope-intl.aliyuncs.com/apps/anthropic" },
	{ "DASHSCOPE_API_KEY", "qwen", "https://dashscope-intl.aliyuncs.com/apps/anthropic" },
	{ "ARK_API_KEY", "ark", "https://ark.cn-beijing.volces.com/api/coding" },
	{ "FIREWORKS_API_KEY", "fireworks", "https://api.fireworks.ai/inference" },
	{ "SILICONFLOW_API_KEY", "siliconflow", "https://api.siliconflow.com" },
	{ "AI_GATEWAY_API_KEY", "vercel", "https://ai-gateway.vercel.sh" },
	{ "CLAUDE_API_KEY", "anthropic", "" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

bool map_carrier(const char *variable)
{
	size_t i;

	for (i = 0; i < COUNT(carriers); i++)
		if (strcmp(variable, carriers[i].variable) == 0)
			return true;
	return false;
}

bool map_vendor(const char *variable)
{
	size_t i;

	for (i = 0; i < COUNT(vendors); i++)
		if (strcmp(variable, vendors[i].variable) == 0)
			return true;
	return false;
}

int map_add(struct import *im, const struct known *k, struct failure *f)
{
	struct known *grown = im->known;

	if (im->knowns == im->known_room) {
		im->known_room = im->known_room ? 2 * im->known_room : 64;
		grown = reallocarray(im->known, im->known_room, sizeof(*grown));
		if (!grown)
			return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
		im->known = grown;
	}
	im->known[im->knowns++] = *k;
	return 0;
}

/* A file that is broken is nobody's. */
static int load_one(struct import *im, const char *name, const char *mode, struct provider **out,
		    struct failure *f)
{
	struct known k = { 0 };

	if (provider_load(name, mode, out, NULL) != 0)
		return 0;
	snprintf(k.name, sizeof(k.name), "%s", name);
	snprintf(k.mode, sizeof(k.mode), "%s", mode);
	/* What is longer is no address that we would look for. */
	if (strlen((*out)->base_url) <= SETTING_VALUE)
		memcpy(k.base_url, (*out)->base_url, strlen((*out)->base_url) + 1);
	k.auth = (*out)->auth;
	k.secret = (*out)->secrets > 0;
	if (k.secret)
		memcpy(k.entry, (*out)->secret[0].entry, sizeof(k.entry));
	return map_add(im, &k, f);
}

static int load_all(struct import *im, struct failure *f)
{
	struct provider *p, *q;
	char **names;
	unsigned i, k, n;
	int r = 0;

	if (provider_names(&names, &n, f) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		p = NULL;
		r = r == 0 ? load_one(im, names[i], "", &p, f) : r;
		for (k = 0; p && k < p->mode_count && r == 0; k++) {
			q = NULL;
			r = load_one(im, names[i], p->modes[k], &q, f);
			provider_free(q);
		}
		provider_free(p);
		free(names[i]);
	}
	free(names);
	return r;
}

/* Addresses are alike but for the letters of the host. */
static bool same_url(const char *a, const char *b)
{
	size_t start, end;

	if (endpoint_span(a, &start, &end) != NULL || strncasecmp(a, b, end) != 0)
		return false;
	return strcmp(a + end, b + end) == 0;
}

bool map_template(const char *template, const char *url, const char *name, char *value, size_t size)
{
	const char *open = strstr(template, "${"), *close = open ? strchr(open, '}') : NULL;
	size_t before, behind, n = strlen(url), len;

	/* Of one that is asked for as a whole nothing tells that it is meant. */
	if (!close || open == template || strstr(close, "${"))
		return false;
	if (name && (strlen(name) != (size_t)(close - open) - 2 || strncmp(open + 2, name, strlen(name)) != 0))
		return false;
	before = (size_t)(open - template);
	behind = strlen(close + 1);
	if (n <= before + behind || strncasecmp(url, template, before) != 0 ||
	    strcmp(url + n - behind, close + 1) != 0)
		return false;
	len = n - before - behind;
	if (len >= size)
		return false;
	memcpy(value, url + before, len);
	value[len] = '\0';
	return value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")] == '\0';
}

/* Does the provider's address have a place for a parameter, and can it be what url has there? */
static bool at_template(const struct known *k, const char *url)
{
	char value[SETTING_VALUE + 1];
	struct provider *p;
	bool found = false;
	unsigned i;

	if (!map_template(k->base_url, url, NULL, value, sizeof(value)) ||
	    provider_load(k->name, k->mode, &p, NULL) != 0)
		return false;
	for (i = 0; i < p->params && !found; i++)
		found = map_template(k->base_url, url, p->param[i].name, value, sizeof(value)) &&
			(p->param[i].choices[0] ? params_choice_ok(&p->param[i], value) : !strchr(value, '.'));
	provider_free(p);
	return found;
}

/* The best of those at the address: the one that the entry is named for. */
static const struct known *by_url(const struct import *im, const char *url)
{
	const struct known *best = NULL;
	unsigned i;

	for (i = 0; i < im->knowns; i++) {
		const struct known *k = &im->known[i];

		if (!k->secret || !k->base_url[0] || (!same_url(k->base_url, url) && !at_template(k, url)))
			continue;
		if (strcmp(k->name, k->entry) == 0 && !k->mode[0])
			return k;
		best = best ? best : k;
	}
	return best;
}

static const struct known *by_name(const struct import *im, const char *name, const char *mode)
{
	unsigned i;

	for (i = 0; i < im->knowns; i++)
		if (im->known[i].secret && strcmp(im->known[i].name, name) == 0 &&
		    strcmp(im->known[i].mode, mode) == 0)
			return &im->known[i];
	return NULL;
}

/* The client's own endpoint, by the kind of credential. */
static const struct known *by_auth(const struct import *im, enum auth auth)
{
	unsigned i;

	for (i = 0; i < im->knowns; i++)
		if (im->known[i].secret && im->known[i].auth == auth && !im->known[i].base_url[0])
			return &im->known[i];
	return NULL;
}

static bool begins(const struct account *a, const char *with)
{
	return a->kind == ACCOUNT_TOKEN && a->n > strlen(with) && memcmp(a->token, with, strlen(with)) == 0;
}

static const struct known *by_shape(const struct import *im, const struct account *a)
{
	if (begins(a, "sk-or-"))
		return by_name(im, "openrouter", "");
	if (begins(a, "sk-ant-oat"))
		return by_auth(im, AUTH_OAUTH);
	if (begins(a, "sk-ant-"))
		return by_name(im, "anthropic", "");
	return NULL;
}

bool map_taken(const struct import *im, const char *name)
{
	unsigned i;

	for (i = 0; i < im->knowns; i++)
		if (strcmp(im->known[i].name, name) == 0 || strcmp(im->known[i].entry, name) == 0)
			return true;
	for (i = 0; i < im->accounts; i++)
		if (strcmp(im->account[i].entry, name) == 0 || strcmp(im->account[i].provider, name) == 0)
			return true;
	return entries_find(im->entry, im->entries, name) != NULL;
}

/* api.example.com: "example"; 10.0.0.1 and localhost: themselves. */
static void host_name(const char *url, char out[NAME_MAX_LEN - 7])
{
	char host[256], *label, *end;
	struct endpoint e;
	size_t i;

	if (endpoint_parse(url, &e) != NULL)
		e.host[0] = '\0';
	memcpy(host, e.host, sizeof(host));
	for (i = 0; host[i]; i++)
		if (host[i] >= 'A' && host[i] <= 'Z')
			host[i] = (char)(host[i] | 0x20);
	end = strrchr(host, '.');
	label = host;
	if (end && strspn(end + 1, "0123456789") != strlen(end + 1) && !strchr(host, ':')) {
		*end = '\0';
		label = strrchr(host, '.') ? strrchr(host, '.') + 1 : host;
		/* co.uk, com.cn */
		if (strlen(label) <= 3 && label > host && strlen(end + 1) == 2 && strcmp(label, "z") != 0) {
			label[-1] = '\0';
			label = strrchr(host, '.') ? strrchr(host, '.') + 1 : host;
		}
	}
	for (i = 0; label[i]; i++)
		if (label[i] == '.' || label[i] == ':')
			label[i] = '-';
	snprintf(out, NAME_MAX_LEN - 7, "%.50s", label);
	if (!wire_name_ok(out))
		snprintf(out, NAME_MAX_LEN - 7, "imported");
}

static void unique(const struct import *im, const char *base, char out[NAME_MAX_LEN + 1])
{
	unsigned i;

	snprintf(out, NAME_MAX_LEN + 1, "%.56s", base);
	for (i = 2; map_taken(im, out); i++)
		snprintf(out, NAME_MAX_LEN + 1, "%.56s-%u", base, i);
}

/* None has a file: one is to be written. */
static int invent(struct import *im, struct account *a, const char *base, enum auth auth,
		  struct failure *f)
{
	struct known k = { .auth = auth, .secret = true };

	unique(im, base, k.name);
	memcpy(k.entry, k.name, sizeof(k.entry));
	memcpy(k.base_url, a->base_url, sizeof(k.base_url));
	a->fresh = true;
	memcpy(a->provider, k.name, sizeof(k.name));
	memcpy(a->entry, k.entry, sizeof(k.entry));
	return map_add(im, &k, f);
}

static int take(struct account *a, const struct known *k)
{
	memcpy(a->provider, k->name, sizeof(k->name));
	memcpy(a->pmode, k->mode, sizeof(k->mode));
	memcpy(a->entry, k->entry, sizeof(k->entry));
	return 0;
}

static int map_client(struct import *im, struct account *a, enum auth auth, struct failure *f)
{
	const struct known *k = NULL;
	struct endpoint e;
	char name[NAME_MAX_LEN - 7];
	const char *why;

	why = a->base_url[0] ? endpoint_parse(a->base_url, &e) : NULL;
	if (why) {
		/* An address that no provider's file could have. */
		a->kind = ACCOUNT_BAD;
		fail_set(&a->why, FAIL_CONFIG, NULL, "the address beside it: %.200s", why);
		return 0;
	}
	if (strcmp(a->base_url, "https://api.anthropic.com") == 0)
		a->base_url[0] = '\0';
	if (a->base_url[0]) {
		k = by_url(im, a->base_url);
		host_name(a->base_url, name);
		return k ? take(a, k) : invent(im, a, name, auth, f);
	}
	k = by_shape(im, a);
	if (!k && auth == AUTH_BEDROCK)
		k = by_name(im, "bedrock", "bearer");
	if (!k && auth == AUTH_API_KEY)
		k = by_name(im, "anthropic", "");
	k = k ? k : by_auth(im, auth);
	if (k)
		return take(a, k);
	/* A bearer token without an address goes to the client's own endpoint. */
	return invent(im, a, auth == AUTH_OAUTH ? "claude-token" : "anthropic-bearer", auth, f);
}

static int map_by_vendor(struct import *im, struct account *a, size_t i, struct failure *f)
{
	const struct known *k = by_url(im, vendors[i].base_url);

	snprintf(a->base_url, sizeof(a->base_url), "%s", vendors[i].base_url);
	k = k ? k : by_name(im, vendors[i].provider, "");
	if (k)
		return take(a, k);
	return invent(im, a, vendors[i].provider, a->base_url[0] ? AUTH_BEARER : AUTH_API_KEY, f);
}

static int map_one(struct import *im, struct account *a, struct failure *f)
{
	const char *variable = account_variable(im, a)->name;
	size_t i;

	for (i = 0; i < COUNT(carriers); i++)
		if (strcmp(variable, carriers[i].variable) == 0)
			return map_client(im, a, carriers[i].auth, f);
	for (i = 0; i < COUNT(vendors); i++)
		if (strcmp(variable, vendors[i].variable) == 0)
			return map_by_vendor(im, a, i, f);
	return 0;
}

static bool alike(const struct account *a, const struct account *b)
{
	if (a->kind != b->kind || strcmp(a->provider, b->provider) != 0)
		return false;
	if (a->kind == ACCOUNT_SOURCE)
		return strcmp(a->ref, b->ref) == 0;
	return a->n == b->n && memcmp(a->token, b->token, a->n) == 0;
}

int map_accounts(struct import *im, struct failure *f)
{
	struct account *a;
	unsigned i, k;

	if (load_all(im, f) != 0)
		return -1;
	for (i = 0; i < im->accounts; i++) {
		a = &im->account[i];
		if (a->kind == ACCOUNT_UNKNOWN || a->kind == ACCOUNT_BAD)
			continue;
		if (map_one(im, a, f) != 0)
			return -1;
		for (k = 0; k < i; k++)
			if (alike(&im->account[k], a))
				break;
		a->twin = k;
	}
	return 0;
}
