/*
 * config/settings/ccrun_conf.c - finding and checking ccrun.conf.
 */
#include "config/settings/ccrun_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "config/ini/keywords.h"
#include "wire/limits.h"
#include "wire/names.h"

static const char *const sections[] = { "ccrun", "links", "statusline" };
#define SECTIONS 3
static const char *const ccrun_keys[] = { "default", "pinentry" };
#define CCRUN_KEYS 2

/* NAME or NAME:MODE. */
static bool conf_provider_ok(const char *value)
{
	char name[NAME_MAX_LEN + 1];
	const char *colon = strchrnul(value, ':');
	size_t n = (size_t)(colon - value);

	if (n > NAME_MAX_LEN)
		return false;
	memcpy(name, value, n);
	name[n] = '\0';
	return wire_name_ok(name) && (!*colon || wire_name_ok(colon + 1));
}

/*
 * yes, no, or the path of a pinentry.  A program of a session can write this file, and not
 * every program of root's is fit to be handed a passphrase: so the name is looked at, too.
 */
static bool conf_pinentry_ok(const char *value)
{
	static const char name[] = "pinentry";
	const char *leaf = strrchr(value, '/');

	if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0)
		return true;
	return value[0] == '/' && strlen(value) < PATH_SIZE &&
	       strncmp(leaf + 1, name, sizeof(name) - 1) == 0;
}

/* NAME = [--wrap ]PROVIDER[:MODE] */
static int conf_check_link(const struct ini_item *it, struct failure *f)
{
	const char *to = it->value;

	if (!wire_name_ok(it->key))
		return ini_fail(f, it, "letters, digits and . _ - are allowed",
				"not a name for a command");
	if (strncmp(to, CCRUN_CONF_WRAP, strlen(CCRUN_CONF_WRAP)) == 0)
		to += strlen(CCRUN_CONF_WRAP);
	return conf_provider_ok(to) ? 0
				    : ini_fail(f, it, "write NAME or NAME:MODE",
					       "%s: no provider's name", it->key);
}

static int conf_check(const struct ini_file *file, struct failure *f)
{
	const struct ini_item *it;
	unsigned i;

	for (i = 0; i < file->items; i++) {
		it = &file->item[i];
		if (!keywords_have(sections, SECTIONS, it->section))
			return keywords_fail_unknown(it, "section", it->section, sections, SECTIONS,
						     f);
		if (it->key && strcmp(it->section, "links") == 0 && conf_check_link(it, f) != 0)
			return -1;
		if (!it->key || strcmp(it->section, "ccrun") != 0)
			continue;
		if (!keywords_have(ccrun_keys, CCRUN_KEYS, it->key))
			return keywords_fail_unknown(it, "key", it->key, ccrun_keys, CCRUN_KEYS, f);
		if (strcmp(it->key, "pinentry") == 0 && it->value[0] &&
		    !conf_pinentry_ok(it->value))
			return ini_fail(f, it,
					"yes, no, or an absolute path like "
					"/usr/bin/pinentry-curses",
					"pinentry is neither");
		if (strcmp(it->key, "default") == 0 && it->value[0] && !conf_provider_ok(it->value))
			return ini_fail(f, it, "write NAME or NAME:MODE",
					"default is no provider's name");
	}
	return 0;
}

enum ini_read ccrun_conf_read(struct ini_file **out, struct failure *f)
{
	char dir[PATH_SIZE];
	enum ini_read r = INI_FAILED;
	int fd;

	*out = NULL;
	if (path_of(PATH_CONFIG, NULL, dir, f) != 0)
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? INI_ABSENT : fail_errno(f, NULL, "%s", dir);
	if (path_check_trusted(fd, dir, f) == 0)
		r = ini_file_read(fd, dir, CCRUN_CONF_LEAF, out, f);
	close(fd);
	if (r == INI_READ && conf_check(*out, f) != 0) {
		ini_file_free(*out);
		*out = NULL;
		return -1;
	}
	return r;
}
