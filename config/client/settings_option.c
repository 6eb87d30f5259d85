/*
 * config/client/settings_option.c - a switch of the client's runtime pinned, a person's settings kept.
 */
#include "config/client/settings_option.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/io.h"

#define OPTION "--settings"
#define SWITCH "BUN_CONFIG_VERBOSE_FETCH"
#define OFF "false"
#define WRITE_MS 5000

/* The settings with the switch off, as text; NULL when they are none.  It takes over
 * the reference to `settings`. */
static char *settings_pin(json_t *settings, bool *overruled, struct failure *f)
{
	json_t *env = json_object_get(settings, "env");
	const char *own = json_string_value(json_object_get(env, SWITCH));
	char *text = NULL;

	if (!json_is_object(settings) || (env && !json_is_object(env))) {
		fail_set(f, FAIL_BAD_VALUE, NULL, "%s, or its env, is no JSON object", OPTION);
		goto out;
	}
	*overruled = *overruled || (own && strcmp(own, OFF) != 0);
	if ((!env && json_object_set_new(settings, "env", env = json_object()) != 0) ||
	    json_object_set_new(env, SWITCH, json_string(OFF)) != 0 ||
	    !(text = json_dumps(settings, JSON_COMPACT)))
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the client's settings");
out:
	json_decref(settings);
	return text;
}

/* Text as the value of the option: a descriptor that the client opens again by its name. */
static char *value_from_memory(const char *text, struct failure *f)
{
	char *name = NULL;
	int fd = memfd_create("settings", 0);

	if (fd < 0 || io_write_all(fd, text, strlen(text), clock_now_ms() + WRITE_MS) != 0)
		goto bad;
	if (asprintf(&name, "/proc/self/fd/%d", fd) < 0) {
		name = NULL;
		goto bad;
	}
	return name;
bad:
	fail_errno(f, NULL, "cannot pass on the client's settings");
	if (fd >= 0)
		close(fd);
	return NULL;
}

/* A person's value of the option with the switch off; the value itself where it is a
 * file that cannot be opened, which the client says. */
static char *value_pin(char *value, bool *overruled, struct failure *f)
{
	size_t blank = strspn(value, " \t\r\n");
	bool inline_text = value[blank] == '{';
	json_error_t error;
	json_t *settings;
	char *text, *pinned;

	if (!inline_text && access(value, R_OK) != 0)
		return value;
	settings = inline_text ? json_loads(value, 0, &error) : json_load_file(value, 0, &error);
	if (!settings) {
		/* Not jansson's message: it quotes the text, which may hold a key. */
		fail_set(f, FAIL_BAD_VALUE, NULL, "%s%s%.200s is not JSON: line %d", OPTION,
			 inline_text ? "" : " ", inline_text ? "" : value, error.line);
		return NULL;
	}
	text = settings_pin(settings, overruled, f);
	if (!text || inline_text)
		return text;
	pinned = value_from_memory(text, f);
	free(text);
	return pinned;
}

/* "--settings=VALUE" pinned. */
static char *word_pin(char *word, bool *overruled, struct failure *f)
{
	char *value = value_pin(word + strlen(OPTION "="), overruled, f), *pinned = NULL;

	if (!value)
		return NULL;
	if (asprintf(&pinned, "%s=%s", OPTION, value) >= 0)
		return pinned;
	fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the arguments");
	return NULL;
}

char **settings_option_pin(char **arguments, bool *overruled, struct failure *f)
{
	static char option[] = OPTION, off[] = "{\"env\":{\"" SWITCH "\":\"" OFF "\"}}";
	bool is_option = true;
	char **out;
	size_t n = 0, i;

	while (arguments[n])
		n++;
	out = calloc(n + 3, sizeof(*out));
	if (!out) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the arguments");
		return NULL;
	}
	out[0] = option;
	out[1] = off;
	for (i = 0; i < n; i++) {
		out[i + 2] = arguments[i];
		if (!is_option)
			continue;
		is_option = strcmp(arguments[i], "--") != 0;
		if (i > 0 && strcmp(arguments[i - 1], OPTION) == 0)
			out[i + 2] = value_pin(arguments[i], overruled, f);
		else if (strncmp(arguments[i], OPTION "=", strlen(OPTION "=")) == 0)
			out[i + 2] = word_pin(arguments[i], overruled, f);
		if (!out[i + 2]) {
			free(out);
			return NULL;
		}
	}
	return out;
}
