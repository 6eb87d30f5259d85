/*
 * client/host.c - ccctl host: this host's key pair, and a keyfile that was sealed to
 * it on another host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/secret.h"
#include "client/slots/host_key.h"
#include "client/verbs.h"
#include "json/output.h"
#include "spec/spec.h"

static int host_show(struct client *c, const struct host_place *w, bool json, struct failure *f)
{
	char name[HOST_NAME_MAX + 1], text[HOST_PUBLIC_TEXT], *end;
	uint8_t public[HOST_PUBLIC_LEN];
	struct secret secret = { 0 };
	struct json_t *o;
	int r = -1;

	if (secret_new(c, &secret, HOST_SEED_LEN, f) == 0)
		r = host_pair_read(c, w, public, secret.p, f);
	secret_free(c, &secret);
	if (r != 0)
		return -1;
	host_name(name);
	/* Derived from the secret key, not read from host.pub, which could be another host's. */
	host_public_format(public, name, text);
	if (!json) {
		fputs(text, stdout);
		return 0;
	}
	end = strchr(text, '\n');
	if (end)
		*end = '\0';
	o = js_object();
	js_text(o, "public", text);
	js_text(o, "name", name);
	js_text(o, "directory", w->dir);
	return js_print(o, f);
}

/* Give the broker a keyfile that ccctl slot add keyfile --for made on another host. */
static int host_use_keyfile(struct client *c, const char *file, struct failure *f)
{
	struct wire_out *o;
	char *bytes;
	size_t n;

	if (io_slurp(file, KEYFILE_LEN + 1, &bytes, &n, f) != 0) {
		fail_hint(f, "ccctl slot add keyfile --for HOST.pub --out FILE makes one");
		return -1;
	}
	if (client_connect(c, true, f) != 0) {
		free(bytes);
		return -1;
	}
	o = wire_request("keyfile");
	wire_put_bin(o, "keyfile", bytes, n);
	free(bytes);
	if (client_call(c, o, f) != 0)
		return -1;
	say("the keyfile opens %s; from now on the broker opens it at its start", c->vault);
	return 0;
}

static int host_init(struct client *c, const struct host_place *w, struct failure *f)
{
	char text[HOST_PUBLIC_TEXT];

	if (host_pair_make(c, w, text, f) != 0)
		return -1;
	fputs(text, stdout);
	return 0;
}

int verb_host(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, system = false, json = false;
	struct host_place w;
	const char *what;
	int opt, r;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?')
			return -1;
		system = system || opt == OPTION_SYSTEM;
		json = json || opt == OPTION_JSON;
	}
	what = optind < argc ? argv[optind] : "";
	if (strcmp(what, "use") == 0)
		return require_words(argc, argv, 2, f) == 0 &&
				       host_use_keyfile(c, argv[optind + 1], f) == 0
			       ? EXIT_DONE
			       : -1;
	if (strcmp(what, "init") != 0 && strcmp(what, "show") != 0)
		return fail_set(f, FAIL_USAGE, "ccctl help host", "host: init, show or use FILE");
	if (require_words(argc, argv, 1, f) != 0 || host_place_find(&w, system, f) != 0)
		return -1;
	r = strcmp(what, "init") == 0 ? host_init(c, &w, f) : host_show(c, &w, json, f);
	return r == 0 ? EXIT_DONE : -1;
}
