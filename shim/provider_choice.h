/*
 * shim/provider_choice.h - which provider, when the command line names none.
 */
#ifndef SHIM_PROVIDER_CHOICE_H
#define SHIM_PROVIDER_CHOICE_H

struct arguments;
struct failure;
struct project;

/*
 * Fill in a->provider and a->mode: what the project is pinned to, when its pin
 * is allowed (on a terminal a person is asked), else the default of ccrun.conf.
 * *pin is what was followed, path "" for none; its models are still to be set
 * (project_models).  Left empty when there is neither.  0 or -1.
 */
int provider_choose(struct arguments *a, struct project *pin, struct failure *f);

#endif
