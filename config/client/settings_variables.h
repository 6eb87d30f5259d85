/*
 * config/client/settings_variables.h - what Claude Code makes of a variable in the `env` of a
 * settings file when CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST tells it that its provider is managed.
 */
#ifndef CONFIG_CLIENT_SETTINGS_VARIABLES_H
#define CONFIG_CLIENT_SETTINGS_VARIABLES_H

enum settings_variable {
	SETTING_HEEDED, /* as ever: it comes before the environment */
	/* the others it drops, and does not say so: */
	SETTING_MODEL,	 /* which model is asked for, or what that is called */
	SETTING_HEADERS, /* further headers of requests */
	SETTING_PROXY,
	SETTING_AUTHORITIES,
	SETTING_ROUTE,	/* where requests go and as whom */
	SETTING_DROPPED /* anything else */
};

enum settings_variable settings_variable_kind(const char *name);

#endif
