/*
 * config/provider/claude_options.h - is a word a long option of Claude Code?
 */
#ifndef CONFIG_PROVIDER_CLAUDE_OPTIONS_H
#define CONFIG_PROVIDER_CLAUDE_OPTIONS_H

#include <stdbool.h>

/* name without the dashes. */
bool claude_has_option(const char *name);

#endif
