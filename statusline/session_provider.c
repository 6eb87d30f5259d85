/*
 * statusline/session_provider.c - from CCRUN_PROVIDER, else from the variables
 * that route the client, to a label.
 */
#include "statusline/session_provider.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"
#include "config/provider/endpoint.h"
#include "config/ini/ini_file.h"
#include "config/provider/provider.h"
#include "wire/names.h"

#define FILES_MAX 400 /* providers' files that are looked through for a host */

/* The broker's name for the numbers of the client's own login. */
static const char subscription[] = "claude";

static void label(struct shown_provider *out, const char *text)
{
	snprintf(out->label, sizeof(out->label), "%s", text);
}

static void from_file(struct shown_provider *out, const struct provider *p)
{
	label(out, p->label);
	out->has_colour = p->colour[0] && colour_sgr(p->colour, out->colour) == 0;
}

/* What ccrun started says so itself. */
static void ours(struct shown_provider *out, const char *name, const char *mode)
{
	struct provider *p;

	out->ours = true;
	label(out, name);
	if (provider_load(name, mode && wire_name_ok(mode) ? mode : "", &p, NULL) != 0) {
		out->broken = true;
		return;
	}
	from_file(out, p);
	out->subscription = p->auth == AUTH_OAUTH || (p->auth == AUTH_NONE && !p->base_url[0]);
	out->own = p->auth == AUTH_NONE && out->subscription;
	if (out->own)
		snprintf(out->usage, sizeof(out->usage), "%s", p->name);
	else if (p->usage[0] && p->secrets)
		snprintf(out->usage, sizeof(out->usage), "%s", p->secret[0].entry);
	provider_free(p);
}

/* The default of a provider by its name; its file need not be there. */
static void known(struct shown_provider *out, const char *name, const char *otherwise)
{
	struct provider *p;

	label(out, otherwise);
	if (provider_load(name, "", &p, NULL) != 0)
		return;
	from_file(out, p);
	provider_free(p);
}

/* Has the file these bytes?  A look, so that most files need not be parsed. */
static bool mentions(int dir, const char *leaf, const char *host)
{
	static char text[INI_FILE_MAX];
	struct stat st;
	bool found = false;
	ssize_t n;
	int fd = openat(dir, leaf, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		n = read(fd, text, sizeof(text));
		found = n > 0 && memmem(text, (size_t)n, host, strlen(host));
	}
	close(fd);
	return found;
}

static bool serves(const char *name, const char *host, struct shown_provider *out)
{
	struct endpoint e;
	struct provider *p;
	bool same;

	if (!wire_name_ok(name) || provider_load(name, "", &p, NULL) != 0)
		return false;
	same = p->base_url[0] && !endpoint_parse(p->base_url, &e) && strcasecmp(e.host, host) == 0;
	if (same)
		from_file(out, p);
	provider_free(p);
	return same;
}

/* A file in the directory whose endpoint has that host. */
static bool find_in(const char *path, const char *host, struct shown_provider *out)
{
	const char *part = strrchr(host, '.');
	char name[NAME_MAX_LEN + 1];
	bool found = false;
	struct dirent *e;
	unsigned left = FILES_MAX;
	size_t n;
	DIR *d = opendir(path);

	/* A host that has a parameter in it stands there with its end alone. */
	while (part && part > host && part[-1] != '.')
		part--;
	while (d && !found && left-- && (e = readdir(d))) {
		n = strlen(e->d_name);
		if (n <= 5 || n - 5 > NAME_MAX_LEN || strcmp(e->d_name + n - 5, ".conf") != 0 ||
		    !mentions(dirfd(d), e->d_name, part ? part : host))
			continue;
		memcpy(name, e->d_name, n - 5);
		name[n - 5] = '\0';
		found = serves(name, host, out);
	}
	if (d)
		closedir(d);
	return found;
}

static void by_address(struct shown_provider *out, const char *url)
{
	char path[PATH_SIZE];
	struct endpoint e;

	if (endpoint_parse(url, &e)) {
		/* the client may make something of it; we cannot tell what */
		label(out, "other");
		out->broken = true;
	} else if (e.local) {
		label(out, "Local");
	} else if (strcasecmp(e.host, "api.anthropic.com") == 0) {
		known(out, "claude", "Claude");
	} else {
		label(out, e.host);
		if (path_of(PATH_CONFIG, "providers", path, NULL) == 0 && find_in(path, e.host, out))
			return;
		if (path_sibling("share/ccrun/providers", path, NULL) == 0)
			find_in(path, e.host, out);
	}
}

/* As the client takes a switch. */
static bool is_on(const char *variable)
{
	static const char *const off[] = { "", "0", "false", "no", "off" };
	const char *v = getenv(variable);
	size_t i;

	for (i = 0; v && i < sizeof(off) / sizeof(off[0]); i++)
		if (strcasecmp(v, off[i]) == 0)
			return false;
	return v != NULL;
}

static bool has(const char *variable)
{
	const char *v = getenv(variable);

	return v && v[0];
}

void provider_shown(struct shown_provider *out)
{
	const char *name = getenv("CCRUN_PROVIDER"), *url = getenv("ANTHROPIC_BASE_URL");

	memset(out, 0, sizeof(*out));
	if (name && wire_name_ok(name)) {
		ours(out, name, getenv("CCRUN_MODE"));
	} else if (is_on("CLAUDE_CODE_USE_BEDROCK")) {
		known(out, "bedrock", "Bedrock");
	} else if (is_on("CLAUDE_CODE_USE_VERTEX")) {
		known(out, "vertex", "Vertex");
	} else if (is_on("CLAUDE_CODE_USE_FOUNDRY")) {
		known(out, "foundry", "Foundry");
	} else if (url && url[0]) {
		by_address(out, url);
	} else {
		known(out, "claude", "Claude");
		out->subscription = true;
		/* With a key of its own it is another account that pays. */
		out->own = true;
		if (!has("ANTHROPIC_API_KEY") && !has("ANTHROPIC_AUTH_TOKEN"))
			snprintf(out->usage, sizeof(out->usage), "%s", subscription);
	}
	if (!out->label[0])
		label(out, "Claude");
}
