/*
 * client/link.c - ccctl link and unlink: commands of one's own.  A command is a
 * symbolic link to ccrun; what its name means is in ccrun.conf's [links].
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "client/common/common.h"
#include "json/output.h"
#include "config/ini/ini_file.h"
#include "config/provider/provider.h"
#include "config/settings/ccrun_conf.h"
#include "config/ini/user_file.h"
#include "wire/message.h"

enum { OPT_WRAP = 256, OPT_DIR, OPT_JSON };

#define LINK_VALUE (sizeof(CCRUN_CONF_WRAP) + PROVIDER_VALUE_MAX)

static const struct option options[] = {
	{ "wrap", no_argument, NULL, OPT_WRAP },
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "json", no_argument, NULL, OPT_JSON },
	{ NULL, 0, NULL, 0 }
};

/* Does path lead to our ccrun? */
static bool leads_to_ccrun(const char *path)
{
	char ccrun[PATH_SIZE];
	struct stat ours, theirs;

	return path_sibling("bin/ccrun", ccrun, NULL) == 0 && stat(ccrun, &ours) == 0 && stat(path, &theirs) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

/* A symbolic link that does: the program itself is none, whatever its name. */
static bool is_ours(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && leads_to_ccrun(path);
}

static bool join(char out[PATH_SIZE], const char *dir, size_t n, const char *name)
{
	return snprintf(out, PATH_SIZE, "%.*s/%s", (int)n, dir, name) < PATH_SIZE;
}

/*
 * The first NAME in PATH that is (ours) or is not a link to our ccrun, in out.
 * Whatever has that name counts, executable or not: it may become so.
 */
static bool in_path(const char *name, bool ours, char out[PATH_SIZE])
{
	const char *p = getenv("PATH");
	struct stat st;
	size_t n;

	for (; p && *p; p += n + (p[n] == ':')) {
		n = strcspn(p, ":");
		if (n == 0 || p[0] != '/' || !join(out, p, n, name) || lstat(out, &st) != 0 || S_ISDIR(st.st_mode))
			continue;
		if (is_ours(out) == ours)
			return true;
	}
	return false;
}

static bool dir_in_path(const char *dir)
{
	const char *p = getenv("PATH");
	size_t n;

	for (; p && *p; p += n + (p[n] == ':')) {
		n = strcspn(p, ":");
		if (n == strlen(dir) && strncmp(p, dir, n) == 0)
			return true;
	}
	return false;
}

/* Where ccrun is, if we may write there; else ~/.local/bin. */
static int choose_dir(const char *given, char out[PATH_SIZE], struct failure *f)
{
	char home[PATH_SIZE];

	if (given) {
		if (!realpath(given, out))
			return fail_errno(f, NULL, "%s", given);
		return 0;
	}
	if (path_sibling("bin", out, f) != 0)
		return -1;
	if (access(out, W_OK) == 0 && dir_in_path(out))
		return 0;
	if (path_home(home, f) != 0)
		return -1;
	if (snprintf(out, PATH_SIZE, "%s/.local", home) >= PATH_SIZE - 8)
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s: path too long", home);
	if (mkdir(out, 0755) != 0 && errno != EEXIST)
		return fail_errno(f, NULL, "%s", out);
	strcat(out, "/bin");
	return mkdir(out, 0755) == 0 || errno == EEXIST ? 0 : fail_errno(f, NULL, "%s", out);
}

static int refuse_to_shadow(const char *name, const char *path, struct failure *f)
{
	char other[PATH_SIZE];
	struct stat st;

	if (lstat(path, &st) == 0 && !is_ours(path))
		return fail_set(f, FAIL_POLICY, "choose another name, or move it away first",
				"%s is there already, and is no link of ours", path);
	if (in_path(name, false, other))
		return fail_set(f, FAIL_POLICY, "choose another name", "it would shadow %s", other);
	return 0;
}

/* A new link in the place of one of ours: at once, or not at all. */
static int place(const char *path, struct failure *f)
{
	char ccrun[PATH_SIZE], temp[PATH_SIZE];

	if (path_sibling("bin/ccrun", ccrun, f) != 0)
		return -1;
	if (snprintf(temp, sizeof(temp), "%s.%d", path, (int)getpid()) >= (int)sizeof(temp))
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s: path too long", path);
	if (symlink(ccrun, temp) != 0)
		return fail_errno(f, "--dir DIRECTORY puts it elsewhere", "%s", path);
	if (rename(temp, path) == 0)
		return 0;
	fail_errno(f, NULL, "%s", path);
	unlink(temp);
	return -1;
}

/* What [links] says of the name, in out; "" for nothing.  1 it does, 0, -1. */
static int meaning(const char *name, char out[LINK_VALUE], struct failure *f)
{
	const struct ini_item *it;
	struct ini_file *file;
	int r = ccrun_conf_read(&file, f);

	out[0] = '\0';
	it = r == INI_READ ? ini_file_get(file, "links", name) : NULL;
	if (it)
		snprintf(out, LINK_VALUE, "%s", it->value);
	ini_file_free(file);
	return r < 0 ? -1 : it != NULL;
}

static int make(const char *name, const char *to, bool wraps, const char *given, struct failure *f)
{
	char provider[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1], dir[PATH_SIZE], path[PATH_SIZE];
	char value[LINK_VALUE], before[LINK_VALUE];
	struct provider *p;

	if (!wire_name_ok(name) || strcmp(name, "ccrun") == 0)
		return fail_set(f, FAIL_USAGE, "letters, digits and . _ - are allowed", "not a name for a command");
	if (split_provider(to, provider, mode, f) != 0 || provider_load(provider, mode, &p, f) != 0)
		return -1;
	provider_free(p);
	if (choose_dir(given, dir, f) != 0)
		return -1;
	if (!join(path, dir, strlen(dir), name))
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s: path too long", dir);
	snprintf(value, sizeof(value), "%s%s", wraps ? CCRUN_CONF_WRAP : "", to);
	if (refuse_to_shadow(name, path, f) != 0 || meaning(name, before, f) < 0 ||
	    user_file_set(CCRUN_CONF_LEAF, "links", name, value, f) != 0)
		return -1;
	if (place(path, f) != 0) {
		user_file_set(CCRUN_CONF_LEAF, "links", name, before[0] ? before : NULL, NULL);
		return -1;
	}
	say(wraps ? "%s PROGRAM runs PROGRAM on %s" : "%s runs claude on %s", path, to);
	if (!dir_in_path(dir))
		say("note: %s is not in your PATH", dir);
	return EXIT_DONE;
}

static int list(bool json, struct failure *f)
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
		if (!in_path(it->key, true, path))
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
		say("there are none; ccctl link NAME PROVIDER makes one");
	js_free(a);
	return r < 0 ? -1 : EXIT_DONE;
}

int verb_link(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, wraps = false, json = false;
	const char *dir = NULL;
	int opt;

	(void)c;
	while ((opt = next_option(&first, argc, argv, ":", options, f)) != -1) {
		if (opt == '?')
			return -1;
		wraps |= opt == OPT_WRAP;
		json |= opt == OPT_JSON;
		dir = opt == OPT_DIR ? optarg : dir;
	}
	if (optind == argc && !wraps && !dir)
		return list(json, f);
	if (json || want_words(argc, argv, 2, f) != 0)
		return json ? fail_set(f, FAIL_USAGE, "ccctl help link", "--json is for the list") : -1;
	return make(argv[optind], argv[optind + 1], wraps, dir, f);
}

int verb_unlink(struct client *c, int argc, char **argv, struct failure *f)
{
	char path[PATH_SIZE], dir[PATH_SIZE];
	char value[LINK_VALUE];
	bool first = true, linked;
	const char *name;
	int r;

	(void)c;
	if (next_option(&first, argc, argv, ":", options + 3, f) != -1 || want_words(argc, argv, 1, f) != 0 ||
	    want_name(argv[optind], f) != 0)
		return -1;
	name = argv[optind];
	if (strcmp(name, "ccrun") == 0)
		return fail_set(f, FAIL_USAGE, "make uninstall removes it", "ccrun is no command that `ccctl link` made");
	linked = in_path(name, true, path);
	if (!linked && choose_dir(NULL, dir, NULL) == 0)
		linked = join(path, dir, strlen(dir), name) && is_ours(path);
	if (linked && unlink(path) != 0)
		return fail_errno(f, NULL, "%s", path);
	r = meaning(name, value, f);
	if (r < 0)
		return -1;
	if (!r && !linked)
		return fail_set(f, FAIL_NO_ENTRY, "ccctl link lists them", "there is no link '%s'", name);
	return r && user_file_set(CCRUN_CONF_LEAF, "links", name, NULL, f) != 0 ? -1 : EXIT_DONE;
}
