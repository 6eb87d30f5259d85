/*
 * config/client/network.c - proxy, authorities and client certificate, from the
 * environment and the `env` block of settings files.
 */
#include "config/client/network.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "config/client/client_dir.h"
#include "config/provider/provider.h"

#define SETTINGS_MAX (1024 * 1024) /* bytes; Claude Code's own file has a few KiB */

enum layer { MANAGED, USER, ENVIRONMENT, LAYERS }; /* highest first */

static const char *const layer_names[LAYERS] = { "managed settings", "user settings",
						 "environment" };

struct layers {
	json_t *root[ENVIRONMENT]; /* the settings files; NULL: there is none */
	char *const *env;
};

/* ---- settings files ---- */

/* Not jansson's message: it quotes the file, which may hold a key. */
static int settings_parse(const char *path, const char *text, size_t n, json_t **root,
			  struct failure *f)
{
	json_error_t e;
	size_t body = n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	if (strspn(text + body, " \t\r\n") == n - body)
		return 0;
	*root = json_loadb(text + body, n - body, JSON_ALLOW_NUL, &e);
	if (!*root)
		return fail_set(f, FAIL_CONFIG,
				"a proxy in it would count: mend it, or take delivery = preload",
				"%s: line %d: not plain JSON", path, e.line);
	return 0;
}

/* *root = the file's contents, NULL when it does not exist. */
static int settings_load(const char *path, json_t **root, struct failure *f)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (io_slurp(path, SETTINGS_MAX, &text, &n, f) != 0)
		return -1;
	r = settings_parse(path, text, n, root, f);
	io_wipe(text, n);
	free(text);
	return r;
}

/* The member of a file's `env` block, or NULL. */
static const char *settings_get(const json_t *root, const char *name)
{
	return json_string_value(json_object_get(json_object_get(root, "env"), name));
}

/* ---- one variable ---- */

static const char *environment_get(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static const char *layer_get(const struct layers *l, enum layer at, const char *name)
{
	return at == ENVIRONMENT ? environment_get(l->env, name) : settings_get(l->root[at], name);
}

static int value_set(struct network_value *v, const char *name, enum layer at, const char *text,
		     struct failure *f)
{
	const unsigned char *c;

	if (strlen(text) > NETWORK_VALUE_MAX)
		return fail_set(f, FAIL_CONFIG, NULL, "%s (%s): longer than %d bytes", name,
				layer_names[at], NETWORK_VALUE_MAX);
	for (c = (const unsigned char *)text; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			return fail_set(f, FAIL_CONFIG, NULL, "%s (%s): a control character", name,
					layer_names[at]);
	memcpy(v->text, text, strlen(text) + 1);
	v->name = name;
	v->from = layer_names[at];
	return 0;
}

/*
 * The first of names (ends with NULL) that is set and not empty.  Of one name the
 * highest layer counts, also when it is empty there.
 */
static int value_find(const struct layers *l, const char *const *names, struct network_value *v,
		      struct failure *f)
{
	const char *text;
	int at;

	for (; *names; names++)
		for (at = MANAGED; at < LAYERS; at++) {
			text = layer_get(l, (enum layer)at, *names);
			if (text && *text)
				return value_set(v, *names, (enum layer)at, text, f);
			if (text)
				break;
		}
	return 0;
}

/* ---- all of them ---- */

/* As Claude Code chooses (measured with 2.1.330: http_proxy counts for https too). */
static int network_read_proxy(const struct layers *l, struct network *out, struct failure *f)
{
	static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "http_proxy",
					     "HTTP_PROXY",  "all_proxy",   "ALL_PROXY",
					     NULL };
	static const char *const no_names[] = { "no_proxy", "NO_PROXY", NULL };
	const char *scheme;

	if (value_find(l, names, &out->proxy, f) != 0 ||
	    value_find(l, no_names, &out->no_proxy, f) != 0)
		return -1;
	if (!out->proxy.text[0]) {
		memset(&out->no_proxy, 0, sizeof(out->no_proxy));
		return 0;
	}
	scheme = strstr(out->proxy.text, "://");
	if (strchr(out->proxy.text, ' ') ||
	    (scheme && strncasecmp(out->proxy.text, "http://", 7) != 0 &&
	     strncasecmp(out->proxy.text, "https://", 8) != 0))
		return fail_set(f, FAIL_CONFIG, "Claude Code takes http:// and https:// proxies",
				"%s (%s) is no proxy's address", out->proxy.name, out->proxy.from);
	return 0;
}

static int value_check_path(const struct network_value *v, struct failure *f)
{
	/* A relative one would be a file of whatever repository ccrun is started in. */
	if (v->text[0] && v->text[0] != '/')
		return fail_set(f, FAIL_CONFIG, "give it an absolute path",
				"%s (%s) is not an absolute path", v->name, v->from);
	return 0;
}

static int network_read_files(const struct layers *l, struct network *out, struct failure *f)
{
	static const char *const ca[] = { "NODE_EXTRA_CA_CERTS", NULL };
	static const char *const cert[] = { "CLAUDE_CODE_CLIENT_CERT", NULL };
	static const char *const key[] = { "CLAUDE_CODE_CLIENT_KEY", NULL };
	static const char *const phrase[] = { "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE", NULL };
	struct network_value passphrase = { "", NULL, NULL };
	bool set;

	if (value_find(l, ca, &out->ca, f) != 0 || value_find(l, cert, &out->cert, f) != 0 ||
	    value_find(l, key, &out->key, f) != 0 || value_find(l, phrase, &passphrase, f) != 0)
		return -1;
	set = passphrase.text[0];
	io_wipe(passphrase.text, sizeof(passphrase.text));
	if (set && out->key.text[0])
		return fail_set(f, FAIL_CONFIG,
				"decrypt the key file (openssl pkey -in ... -out ...), mode 0600",
				"a relay takes no client key with a passphrase (%s)", phrase[0]);
	if (!out->cert.text[0] != !out->key.text[0])
		return fail_set(f, FAIL_CONFIG, NULL, "%s is set without %s",
				out->cert.text[0] ? cert[0] : key[0],
				out->cert.text[0] ? key[0] : cert[0]);
	return value_check_path(&out->ca, f) != 0 || value_check_path(&out->cert, f) != 0
		       ? -1
		       : value_check_path(&out->key, f);
}

int network_read(const struct provider *p, const struct network_sources *from, struct network *out,
		 struct failure *f)
{
	const char *url = strchr(p->origin, ' ');
	struct layers l = { { NULL, NULL }, from->env };
	char path[PATH_SIZE];
	int r = -1;

	memset(out, 0, sizeof(*out));
	if (!url || strncmp(url, " https://", 9) != 0)
		return 0;
	if (snprintf(path, sizeof(path), "%s/settings.json", from->config_dir) >= (int)sizeof(path))
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...",
				from->config_dir);
	if (settings_load(from->managed, &l.root[MANAGED], f) != 0 ||
	    settings_load(path, &l.root[USER], f) != 0)
		goto out;
	r = p->local ? 0 : network_read_proxy(&l, out, f);
	if (r == 0)
		r = network_read_files(&l, out, f);
out:
	json_decref(l.root[MANAGED]);
	json_decref(l.root[USER]);
	return r;
}

int network_of_person(const struct provider *p, struct network *out, struct failure *f)
{
	char dir[PATH_SIZE];
	const struct network_sources from = { NETWORK_MANAGED_SETTINGS, dir, environ };

	return client_config_dir(p, dir, f) == 0 ? network_read(p, &from, out, f) : -1;
}

void network_show(const struct network_value *v, char out[NETWORK_VALUE_MAX + 1])
{
	const char *scheme = strstr(v->text, "://"), *at = strrchr(v->text, '@');

	if (at)
		snprintf(out, NETWORK_VALUE_MAX + 1, "%.*s***%s",
			 scheme && scheme < at ? (int)(scheme + 3 - v->text) : 0, v->text, at);
	else
		snprintf(out, NETWORK_VALUE_MAX + 1, "%s", v->text);
}
