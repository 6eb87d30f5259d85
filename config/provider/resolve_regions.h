/*
 * config/provider/resolve_regions.h - [regions]: a region for a model.
 */
#ifndef CONFIG_PROVIDER_RESOLVE_REGIONS_H
#define CONFIG_PROVIDER_RESOLVE_REGIONS_H

#include <stdbool.h>

struct failure;
struct ini_item;
struct provider;
struct view;

/* Is the item's key one of [regions]?  0, or -1 with FAIL_CONFIG. */
int regions_check_key(const struct ini_item *it, struct failure *f);

/* May this text stand for a region: [a-z0-9-], so that it stays in its place in a host's
 * name? */
bool region_ok(const char *text);

/* Add the variables of [regions] to p->env; sealed, because they name hosts.  0, or -1 with
 * FAIL_CONFIG. */
int resolve_regions(struct provider *p, const struct view *v, struct failure *f);

#endif
