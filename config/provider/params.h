/*
 * config/provider/params.h - the parameters of a provider: finding one, and ${name} in a value.
 */
#ifndef CONFIG_PROVIDER_PARAMS_H
#define CONFIG_PROVIDER_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/provider/provider.h"

struct failure;
struct ini_item;
struct view;

/* The characters that a value may have, for hints. */
#define PARAMS_HINT_CHARACTERS "letters, digits and . _ : / @ - are allowed"

/* Is the value one that a parameter may have: [A-Za-z0-9._:/@-], not empty? */
bool params_value_ok(const char *value);

/* The parameter whose name is the n bytes at name, or NULL. */
const struct provider_param *params_find(const struct provider *p, const char *name, size_t n);

/* Is value one of the parameter's choices (anything, when it has none)? */
bool params_choice_ok(const struct provider_param *param, const char *value);

/* What a missing parameter is for, in a message: its question, and who asks it if that is not ours. */
void params_purpose(const struct provider_param *param, char *out, size_t size);
#define PARAMS_PURPOSE (PROVIDER_PATH + 280) /* bytes that are enough for it */

/*
 * Write the item's value with ${name} replaced where the parameter has a value.
 * 0, or -1 with FAIL_CONFIG at the item: an undeclared parameter, a value longer
 * than size - 1.
 */
int params_expand(const struct provider *p, const struct ini_item *it, char *out, size_t size,
		  struct failure *f);

/* The same for a key of [provider]; out is "" when it is not there. */
int params_text(const struct provider *p, const struct view *v, const char *key, char *out,
		size_t size, struct failure *f);

/* Refuse, with FAIL_CONFIG at the item, a value that would leave its place in a host name. */
int params_check_host(const struct provider_param *param, const struct ini_item *at,
		      struct failure *f);

#endif
