/*
 * config/client/network.c - proxy, authorities and client certificate, from the
 * environment and the `env` block of settings files.
 */
#include "config/client/network.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "config/client/settings_files.h"
#include "config/provider/provider.h"

struct layers {
	const struct settings_files *files;
	char *const *env;
};

/* ---- one variable ---- */

static const char *environment_get(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static int value_set(struct network_value *v, const char *name, const char *from, const char *text,
		     struct failure *f)
{
	const unsigned char *c;

	if (strlen(text) > NETWORK_VALUE_MAX)
		return fail_set(f, FAIL_CONFIG, NULL, "%s (%s): longer than %d bytes", name, from,
				NETWORK_VALUE_MAX);
	for (c = (const unsigned char *)text; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			return fail_set(f, FAIL_CONFIG, NULL, "%s (%s): a control character", name,
					from);
	memcpy(v->text, text, strlen(text) + 1);
	v->name = name;
	snprintf(v->from, sizeof(v->from), "%s", from);
	return 0;
}

/*
 * The first of names (ends with NULL) that is set and not empty.  Of one name the
 * highest settings file counts, also when it is empty there, then the environment.
 */
static int value_find(const struct layers *l, const char *const *names, struct network_value *v,
		      struct failure *f)
{
	const struct settings_document *d;
	const char *text;

	for (; *names; names++) {
		d = settings_files_find(l->files, true, *names);
		text = d ? settings_document_env(d, *names) : environment_get(l->env, *names);
		if (!text || !*text)
			continue;
		v->written = d && d->layer != SETTINGS_MANAGED;
		return value_set(v, *names, d ? d->path : "environment", text, f);
	}
	return 0;
}

/* ---- all of them ---- */

/* Is it an address that Claude Code takes for a proxy's: http, https, or no scheme? */
static bool value_is_proxy(const struct network_value *v)
{
	const char *scheme = strstr(v->text, "://");

	return !strchr(v->text, ' ') && (!scheme || strncasecmp(v->text, "http://", 7) == 0 ||
					 strncasecmp(v->text, "https://", 8) == 0);
}

/* The port of an https:// address that endpoint_parse takes. */
static unsigned long url_port(const char *url)
{
	const char *at = url + strlen("https://");

	at += *at == '[' ? strcspn(at, "]") : 0;
	at += strcspn(at, ":/");
	return *at == ':' ? strtoul(at + 1, NULL, 10) : 443;
}

/* How much of one name of the list curl is to have: not a port, of another port nothing. */
static size_t no_proxy_name(const char *name, size_t n, unsigned long port)
{
	const char *colon = memchr(name, ':', n);
	size_t at = colon ? (size_t)(colon - name) : n;

	/* An IPv6 address has more of them. */
	if (!colon || memchr(colon + 1, ':', n - at - 1) || at + 1 == n ||
	    strspn(colon + 1, "0123456789") < n - at - 1)
		return n;
	return strtoul(colon + 1, NULL, 10) == port ? at : 0;
}

/*
 * In place, what Claude Code understands and curl does not (measured with 2.1.330): *.NAME, and
 * NAME:PORT.  Nothing gets longer.
 */
static void no_proxy_translate(char *list, unsigned long port)
{
	const char *from = list;
	char *to = list;
	size_t n, keep;

	for (; *from; from += n) {
		from += strspn(from, ", \t");
		n = strcspn(from, ", \t");
		keep = no_proxy_name(from, n, port);
		if (keep == 0)
			continue;
		if (to > list)
			*to++ = ',';
		if (keep > 2 && from[0] == '*' && from[1] == '.') {
			memmove(to, from + 1, keep - 1);
			to += keep - 1;
		} else {
			memmove(to, from, keep);
			to += keep;
		}
	}
	*to = '\0';
}

/*
 * As Claude Code chooses (measured with 2.1.330: http_proxy counts for https too, and of
 * all_proxy only what it can use, where it stops at the others).
 */
static int network_read_proxy(const struct layers *l, unsigned long port, struct network *out,
			      struct failure *f)
{
	static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "http_proxy",
					     "HTTP_PROXY", NULL };
	static const char *const all_names[] = { "all_proxy", "ALL_PROXY", NULL };
	static const char *const no_names[] = { "no_proxy", "NO_PROXY", NULL };

	if (value_find(l, names, &out->proxy, f) != 0 ||
	    value_find(l, no_names, &out->no_proxy, f) != 0)
		return -1;
	if (!out->proxy.text[0]) {
		if (value_find(l, all_names, &out->proxy, f) != 0)
			return -1;
		if (!value_is_proxy(&out->proxy)) {
			out->passed_over = out->proxy.name;
			memset(&out->proxy, 0, sizeof(out->proxy));
		}
	}
	if (!out->proxy.text[0]) {
		memset(&out->no_proxy, 0, sizeof(out->no_proxy));
		return 0;
	}
	if (!value_is_proxy(&out->proxy))
		return fail_set(f, FAIL_CONFIG, "Claude Code takes http:// and https:// proxies",
				"%s (%s) is no proxy's address", out->proxy.name, out->proxy.from);
	no_proxy_translate(out->no_proxy.text, port);
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
	static struct network_value passphrase;
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

int network_read(const struct provider *p, const struct settings_files *files, char *const *env,
		 struct network *out, struct failure *f)
{
	const char *url = strchr(p->origin, ' ');
	const struct layers l = { files, env };

	memset(out, 0, sizeof(*out));
	if (!url || strncmp(url, " https://", 9) != 0)
		return 0;
	if (files->unread.code) {
		*f = files->unread;
		fail_hint(f, "a proxy in it would count: mend it, or take delivery = preload");
		return -1;
	}
	if (!p->local && network_read_proxy(&l, url_port(url + 1), out, f) != 0)
		return -1;
	return network_read_files(&l, out, f);
}

int network_of_person(const struct provider *p, struct network *out, struct failure *f)
{
	struct settings_files *files;
	int r;

	if (settings_files_of_person(p, NULL, &files, f) != 0)
		return -1;
	r = network_read(p, files, environ, out, f);
	settings_files_free(files);
	return r;
}

void network_show_text(const char *value, char out[NETWORK_VALUE_MAX + 1])
{
	const char *scheme = strstr(value, "://"), *at = strrchr(value, '@');

	if (at)
		snprintf(out, NETWORK_VALUE_MAX + 1, "%.*s***%s",
			 scheme && scheme < at ? (int)(scheme + 3 - value) : 0, value, at);
	else
		snprintf(out, NETWORK_VALUE_MAX + 1, "%s", value);
}
