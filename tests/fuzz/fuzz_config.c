/*
 * tests/fuzz/fuzz_config.c - configuration: whole files as ccrun loads them.
 *
 * The first byte says which: p a provider, s a source, j a project's pin, c ccrun.conf, l the
 * list of allowed pins.  What is checked besides memory: what is loaded is within its bounds,
 * has no control characters where a terminal or a request gets it, names an address that is
 * sealed as itself, and a policy that is written and read again the same.  What is refused says
 * so in one line.
 *
 * Targets: config/ini/ config/provider/ config/source/ config/settings/ config/project/
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/project/allowed_file.h"
#include "config/project/project.h"
#include "config/provider/provider.h"
#include "config/settings/ccrun_conf.h"
#include "config/settings/statusline_conf.h"
#include "config/source/source.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_directory.h"
#include "wire/endpoint.h"

static char config[128];

static bool is_one_line(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return false;
	return true;
}

/* A tab may stand in a value, as in the words of a command. */
static bool is_value(const char *text)
{
	for (; *text; text++)
		if (*text != '\t' && iscntrl((unsigned char)*text))
			return false;
	return true;
}

/* The headers are lines of one variable, which the client reads so. */
static bool is_variable(const struct provider_env *e)
{
	const char *text;

	if (!e->name[0] || !is_one_line(e->name))
		return false;
	if (strcmp(e->name, "ANTHROPIC_CUSTOM_HEADERS") != 0)
		return is_value(e->value);
	for (text = e->value; *text; text++)
		if (*text != '\t' && *text != '\n' && iscntrl((unsigned char)*text))
			return false;
	return true;
}

/* It was refused: in a line, with a code that a file can have. */
static void check_refusal(const struct failure *f)
{
	MUST(f->code == FAIL_CONFIG || f->code == FAIL_NO_ENTRY || f->code == FAIL_TOO_LARGE ||
	     f->code == FAIL_BAD_VALUE || f->code == FAIL_USAGE);
	MUST(f->what[0] && is_one_line(f->what) && is_one_line(f->hint));
}

static void write_file(const char *leaf, const uint8_t *p, size_t n)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", config, leaf);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}

static void check_policy(const struct policy *p)
{
	char text[POLICY_MAX_LEN + 1], again[POLICY_MAX_LEN + 1];
	struct policy read;

	policy_format(p, text, sizeof(text));
	MUST(policy_parse(&read, text, NULL) == 0);
	policy_format(&read, again, sizeof(again));
	MUST(strcmp(text, again) == 0);
}

static void load_provider(const char *mode)
{
	struct failure f = { 0 };
	struct provider *loaded;
	unsigned i;

	if (provider_load("x", mode, &loaded, &f) != 0) {
		check_refusal(&f);
		return;
	}
	fuzz_understood++;
	MUST(is_value(loaded->title) && is_value(loaded->label) && loaded->label[0]);
	MUST(is_one_line(loaded->base_url) && is_one_line(loaded->origin));
	if (origin_is_bound(loaded->origin))
		MUST(origin_is_sealed(loaded->origin, loaded->origin));
	for (i = 0; i < loaded->envs; i++)
		MUST(is_variable(&loaded->env[i]));
	for (i = 0; i < loaded->headers; i++)
		MUST(is_one_line(loaded->header[i].name) && is_value(loaded->header[i].value));
	check_policy(&loaded->policy);
	provider_free(loaded);
}

static void load_source(const uint8_t *p, size_t n)
{
	static struct source_file s;
	struct failure f = { 0 };

	write_file("sources/x.conf", p, n);
	if (source_load("x:item", &s, &f) != 0) {
		check_refusal(&f);
		return;
	}
	fuzz_understood++;
	MUST(s.command[0] && is_value(s.command) && is_value(s.title));
}

static void load_settings(const uint8_t *p, size_t n)
{
	struct statusline_conf conf;
	struct failure f = { 0 };
	struct ini_file *file;

	write_file("ccrun.conf", p, n);
	if (ccrun_conf_read(&file, &f) == INI_FAILED) {
		check_refusal(&f);
		return;
	}
	fuzz_understood++;
	statusline_conf_default(&conf);
	if (file && statusline_conf_read(file, &conf, &f) != 0)
		check_refusal(&f);
	ini_file_free(file);
}

static void parse_pin(const uint8_t *p, size_t n)
{
	static struct project pin;
	struct failure f = { 0 };
	unsigned i;

	if (n > PROJECT_MAX)
		return;
	memset(&pin, 0, sizeof(pin));
	snprintf(pin.path, sizeof(pin.path), "/x/" PROJECT_LEAF);
	memcpy(pin.text, p, n);
	pin.n = n;
	if (project_parse(&pin, &f) != 0) {
		check_refusal(&f);
		return;
	}
	fuzz_understood++;
	MUST(pin.provider[0] && pin.models <= PROJECT_MODELS_MAX);
	for (i = 0; i < pin.models; i++)
		MUST(is_value(pin.model[i].value));
}

/* Taking out each record in turn leaves the others, in their order. */
static void read_allowed(const uint8_t *p, size_t n)
{
	char *all = malloc(n + 1), out[256];
	struct allowed_at at;
	size_t from = 0;
	unsigned records = 0;

	MUST(all);
	memcpy(all, p, n);
	all[n] = '\0';
	while (allowed_file_next(all, from, &at)) {
		MUST(at.start >= from && at.start <= at.body && at.body <= at.end);
		MUST(at.end <= strlen(all) && at.end > from);
		allowed_file_text(all, &at, out, sizeof(out) - 1);
		from = at.end;
		records++;
	}
	fuzz_understood += records > 0;
	for (; records > 0; records--) {
		MUST(allowed_file_next(all, 0, &at));
		allowed_file_remove(all, &at);
	}
	MUST(!allowed_file_next(all, 0, &at));
	free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	fuzz_inputs++;
	if (n == 0)
		return 0;
	switch (p[0]) {
	case 'p':
		write_file("providers/x.conf", p + 1, n - 1);
		load_provider(NULL);
		load_provider("fast");
		break;
	case 's':
		load_source(p + 1, n - 1);
		break;
	case 'c':
		load_settings(p + 1, n - 1);
		break;
	case 'j':
		parse_pin(p + 1, n - 1);
		break;
	case 'l':
		read_allowed(p + 1, n - 1);
		break;
	}
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[256];

	(void)argc;
	(void)argv;
	fuzz_directory_make();
	snprintf(config, sizeof(config), "%s/ccrun", fuzz_directory);
	MUST(mkdir(config, 0700) == 0);
	snprintf(path, sizeof(path), "%s/providers", config);
	MUST(mkdir(path, 0700) == 0);
	snprintf(path, sizeof(path), "%s/sources", config);
	MUST(mkdir(path, 0700) == 0);
	MUST(setenv("HOME", fuzz_directory, 1) == 0);
	MUST(setenv("XDG_CONFIG_HOME", fuzz_directory, 1) == 0);
	return atexit(fuzz_at_exit);
}
