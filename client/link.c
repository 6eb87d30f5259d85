/*
 * client/link.c - ccctl link: make a command for a provider, or list those there are.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/links.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/verbs.h"
#include "config/ini/ini_file.h"
#include "config/ini/user_file.h"
#include "config/provider/provider.h"
#include "config/settings/ccrun_conf.h"
#include "json/output.h"
#include "spec/spec.h"
#include "wire/names.h"

static int link_refuse_to_shadow(const char *name, const char *path, struct failure *f)
{
	char other[PATH_SIZE];
	struct stat st;

	if (lstat(path, &st) == 0 && !link_is_ours(path))
		return fail_set(f, FAIL_POLICY, "choose another name, or move it away first",
				"%s exists and is not a link to ccrun", path);
	if (link_in_path(name, false, other))
		return fail_set(f, FAIL_POLICY, "choose another name, or move that away first",
				"it would shadow %s", other);
	return 0;
}

/* Put the link in the place of one of ours.  Its own name for a moment is always the same, so that
 * one that was left by a program that was killed is taken away here, and is nobody's command. */
static int link_replace(const char *path, const char *ccrun)
{
	char temp[PATH_SIZE + 32];

	snprintf(temp, sizeof(temp), "%s.ccrun-unfinished", path);
	if (link_is_ours(temp))
		unlink(temp);
	if (symlink(ccrun, temp) != 0)
		return -1;
	if (rename(temp, path) == 0)
		return 0;
	unlink(temp);
	return -1;
}

static int link_place(const char *path, struct failure *f)
{
	char ccrun[PATH_SIZE];

	if (path_installed("bin/ccrun", ccrun, f) != 0)
		return -1;
	if (symlink(ccrun, path) != 0 && (errno != EEXIST || link_replace(path, ccrun) != 0))
		return fail_errno(f, "--dir DIRECTORY puts it elsewhere", "%s", path);
	return io_sync_parent(path) == 0 ? 0 : fail_errno(f, NULL, "%s: directory", path);
}

static int link_make(const char *name, const char *to, bool wraps, const char *given,
		     struct failure *f)
{
	char provider[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1], dir[PATH_SIZE], path[PATH_SIZE];
	char value[LINK_VALUE], before[LINK_VALUE];
	struct provider *p;

	if (!wire_name_ok(name) || strcmp(name, "ccrun") == 0)
		return fail_set(f, FAIL_USAGE, "letters, digits and . _ - are allowed",
				"not a name for a command");
	if (split_provider(to, provider, mode, f) != 0 || provider_load(provider, mode, &p, f) != 0)
		return -1;
	provider_free(p);
	if (link_choose_dir(given, dir, f) != 0)
		return -1;
	if (!link_join(path, dir, strlen(dir), name))
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s: path too long", dir);
	snprintf(value, sizeof(value), "%s%s", wraps ? CCRUN_CONF_WRAP : "", to);
	if (link_refuse_to_shadow(name, path, f) != 0 || link_meaning(name, before, f) < 0 ||
	    user_file_set(CCRUN_CONF_LEAF, "links", name, value, f) != 0)
		return -1;
	if (link_place(path, f) != 0) {
		user_file_set(CCRUN_CONF_LEAF, "links", name, before[0] ? before : NULL, NULL);
		return -1;
	}
	say(wraps ? "%s PROGRAM runs PROGRAM on %s" : "%s runs claude on %s", path, to);
	if (!link_dir_in_path(dir))
		say("note: %s is not in your PATH", dir);
	return EXIT_DONE;
}

static int link_list(bool json, struct failure *f)
{
	struct json_t *a = js_array(), *o;
	char path[PATH_SIZE];
	struct ini_file *file = NULL;
	const struct ini_item *it;
	const char *to;
	bool wraps;
	unsigned i, links = 0;
	int r = ccrun_conf_read(&file, f);

	for (i = 0; r == INI_READ && i < file->items; i++) {
		it = &file->item[i];
		if (strcmp(it->section, "links") != 0 || !it->key)
			continue;
		wraps = strncmp(it->value, CCRUN_CONF_WRAP, strlen(CCRUN_CONF_WRAP)) == 0;
		to = wraps ? it->value + strlen(CCRUN_CONF_WRAP) : it->value;
		if (!link_in_path(it->key, true, path))
			path[0] = '\0';
		o = js_object();
		js_text(o, "name", it->key);
		js_text(o, "provider", to);
		js_bool(o, "wrap", wraps);
		js_text(o, "path", path[0] ? path : NULL);
		js_append(a, o);
		links++;
		if (json)
			continue;
		put_cell(it->key, 16);
		put_cell(it->value, 20);
		put_plain(path[0] ? path : "(no such link in your PATH)");
		putchar('\n');
	}
	ini_file_free(file);
	if (r >= 0 && json)
		return js_print(a, f) == 0 ? EXIT_DONE : -1;
	if (r >= 0 && links == 0)
		say("there are none; ccctl link COMMAND PROVIDER makes one");
	js_free(a);
	return r < 0 ? -1 : EXIT_DONE;
}

int verb_link(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, wraps = false, json = false;
	const char *dir = NULL;
	int opt;

	(void)c;
	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?')
			return -1;
		wraps |= opt == OPTION_WRAP;
		json |= opt == OPTION_JSON;
		dir = opt == OPTION_DIR ? optarg : dir;
	}
	if (optind == argc && !wraps && !dir)
		return link_list(json, f);
	if (json || require_words(argc, argv, 2, f) != 0)
		return json ? fail_set(f, FAIL_USAGE, "ccctl help link", "--json is for the list")
			    : -1;
	return link_make(argv[optind], argv[optind + 1], wraps, dir, f);
}
