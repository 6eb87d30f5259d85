/*
 * statusline/session_provider.c - from CCRUN_PROVIDER, or else from the variables
 * that tell Claude Code where to send requests, to a provider and its label.
 */
#include "statusline/session_provider.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/paths.h"
#include "config/ini/ini_file.h"
#include "wire/endpoint.h"
#include "config/provider/provider.h"
#include "wire/names.h"

#define FILES_MAX 400 /* of a directory; each may be read to find a host's provider */

/* Whose usage the client's own login is: the provider that ccrun ships for it. */
static const char subscription[] = "claude";

static void set_label(struct session_provider *out, const char *text)
{
	snprintf(out->label, sizeof(out->label), "%s", text);
}

static void set_from_file(struct session_provider *out, const struct provider *p)
{
	set_label(out, p->label);
	out->has_colour = p->colour[0] && colour_sgr(p->colour, out->colour) == 0;
}

/* A session that ccrun started: the name is in CCRUN_PROVIDER. */
static void find_by_name(struct session_provider *out, const char *name, const char *mode)
{
	struct provider *p;

	set_label(out, name);
	if (provider_load(name, mode && wire_name_ok(mode) ? mode : "", &p, NULL) != 0) {
		out->broken = true;
		return;
	}
	set_from_file(out, p);
	out->subscription = p->auth == AUTH_OAUTH || (p->auth == AUTH_NONE && !p->base_url[0]);
	out->own = p->auth == AUTH_NONE && out->subscription;
	if (p->secrets)
		snprintf(out->entry, sizeof(out->entry), "%s", p->secret[0].entry);
	if (out->own)
		snprintf(out->usage, sizeof(out->usage), "%s", p->name);
	else if (p->usage[0] && p->secrets)
		snprintf(out->usage, sizeof(out->usage), "%s", p->secret[0].entry);
	provider_free(p);
}

/* A provider that ccrun ships a file for.  Without it: that label. */
static void set_preset(struct session_provider *out, const char *name, const char *fallback)
{
	struct provider *p;

	set_label(out, fallback);
	if (provider_load(name, "", &p, NULL) != 0)
		return;
	set_from_file(out, p);
	provider_free(p);
}

/* Are the host's bytes in the file?  Cheaper than parsing every file. */
static bool file_mentions_host(int dir, const char *leaf, const char *host)
{
	static char text[INI_FILE_MAX];
	struct stat st;
	bool found = false;
	ssize_t n;
	int fd = openat(dir, leaf, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		n = io_read_known(fd, text, sizeof(text), st.st_size);
		found = n > 0 && memmem(text, (size_t)n, host, strlen(host));
	}
	close(fd);
	return found;
}

static bool provider_has_host(const char *name, const char *host, struct session_provider *out)
{
	struct endpoint e;
	struct provider *p;
	bool same;

	if (!wire_name_ok(name) || provider_load(name, "", &p, NULL) != 0)
		return false;
	same = p->base_url[0] && !endpoint_parse(p->base_url, &e) && strcasecmp(e.host, host) == 0;
	if (same)
		set_from_file(out, p);
	provider_free(p);
	return same;
}

/* The provider in the directory whose endpoint has that host. */
static bool find_in_directory(const char *path, const char *host, struct session_provider *out)
{
	const char *part = strrchr(host, '.');
	char name[NAME_MAX_LEN + 1];
	bool found = false;
	struct dirent *e;
	unsigned left = FILES_MAX;
	size_t n;
	DIR *d = opendir(path);

	/* Only the last two labels: those before them may be a parameter in the file
	 * ("${region}.example.com"). */
	while (part && part > host && part[-1] != '.')
		part--;
	while (d && !found && left-- && (e = readdir(d))) {
		n = strlen(e->d_name);
		if (n <= 5 || n - 5 > NAME_MAX_LEN || strcmp(e->d_name + n - 5, ".conf") != 0 ||
		    !file_mentions_host(dirfd(d), e->d_name, part ? part : host))
			continue;
		memcpy(name, e->d_name, n - 5);
		name[n - 5] = '\0';
		found = provider_has_host(name, host, out);
	}
	if (d)
		closedir(d);
	return found;
}

static void find_by_url(struct session_provider *out, const char *url)
{
	char path[PATH_SIZE];
	struct endpoint e;

	if (endpoint_parse(url, &e)) {
		/* Not a URL that ccrun accepts; the client may accept it. */
		set_label(out, "other");
		out->broken = true;
	} else if (e.local) {
		set_label(out, "Local");
	} else if (strcasecmp(e.host, "api.anthropic.com") == 0) {
		set_preset(out, "claude", "Claude");
	} else {
		set_label(out, e.host);
		if (path_of(PATH_CONFIG, "providers", path, NULL) == 0 &&
		    find_in_directory(path, e.host, out))
			return;
		if (path_installed("share/ccrun/providers", path, NULL) == 0)
			find_in_directory(path, e.host, out);
	}
}

/* As Claude Code reads a switch in its environment. */
static bool variable_is_on(const char *variable)
{
	static const char *const off[] = { "", "0", "false", "no", "off" };
	const char *v = getenv(variable);
	size_t i;

	for (i = 0; v && i < sizeof(off) / sizeof(off[0]); i++)
		if (strcasecmp(v, off[i]) == 0)
			return false;
	return v != NULL;
}

static bool environment_has(const char *variable)
{
	const char *v = getenv(variable);

	return v && v[0];
}

void session_provider_find(struct session_provider *out)
{
	const char *name = getenv("CCRUN_PROVIDER"), *url = getenv("ANTHROPIC_BASE_URL");

	memset(out, 0, sizeof(*out));
	if (name && wire_name_ok(name)) {
		find_by_name(out, name, getenv("CCRUN_MODE"));
	} else if (variable_is_on("CLAUDE_CODE_USE_BEDROCK")) {
		set_preset(out, "bedrock", "Bedrock");
	} else if (variable_is_on("CLAUDE_CODE_USE_VERTEX")) {
		set_preset(out, "vertex", "Vertex");
	} else if (variable_is_on("CLAUDE_CODE_USE_FOUNDRY")) {
		set_preset(out, "foundry", "Foundry");
	} else if (variable_is_on("CLAUDE_CODE_USE_MANTLE")) {
		set_preset(out, "mantle", "Mantle");
	} else if (variable_is_on("CLAUDE_CODE_USE_ANTHROPIC_AWS")) {
		set_preset(out, "claude-aws", "Claude on AWS");
	} else if (variable_is_on("CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD")) {
		set_preset(out, "claude-google", "Claude on Google");
	} else if (url && url[0]) {
		find_by_url(out, url);
	} else {
		set_preset(out, "claude", "Claude");
		out->subscription = true;
		/* With an API key in the environment another account pays. */
		out->own = true;
		if (!environment_has("ANTHROPIC_API_KEY") &&
		    !environment_has("ANTHROPIC_AUTH_TOKEN"))
			snprintf(out->usage, sizeof(out->usage), "%s", subscription);
	}
	if (!out->label[0])
		set_label(out, "Claude");
}
