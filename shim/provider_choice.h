/*
 * shim/provider_choice.h - which provider, when the command line names none.
 */
#ifndef SHIM_PROVIDER_CHOICE_H
#define SHIM_PROVIDER_CHOICE_H

struct arguments;
struct failure;
struct project;

/*
 * Set a->provider and a->mode, unless the command line named a provider: to what
 * the project is pinned to, when the user has allowed its pin (on a terminal they
 * are asked), else to the default of ccrun.conf; neither: they stay "".  *pin
 * becomes the pin that was followed, with path "" for none; the caller sets its
 * models (project_models).  0, or -1 with FAIL_POLICY (not allowed), ...
 */
int provider_choose(struct arguments *a, struct project *pin, struct failure *f);

#endif
