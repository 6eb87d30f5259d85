/*
 * config/provider/resolve_params.h - [parameters]: questions, defaults, choices and values.
 */
#ifndef CONFIG_PROVIDER_RESOLVE_PARAMS_H
#define CONFIG_PROVIDER_RESOLVE_PARAMS_H

struct failure;
struct provider;
struct view;

/* Collect [parameters] into p->param.  0, or -1 with FAIL_CONFIG. */
int resolve_params(struct provider *p, const struct view *v, struct failure *f);

/* Are all values among their choices?  0, or -1 with FAIL_CONFIG at the line of the value,
 * or FAIL_BAD_VALUE when the value stands in no file. */
int resolve_check_choices(const struct provider *p, const struct view *v, struct failure *f);

#endif
