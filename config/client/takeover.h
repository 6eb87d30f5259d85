/*
 * config/client/takeover.h - what Claude Code drops of a person's own settings because ccrun
 * tells it that its provider is managed: taken over where that is safe, else named.
 *
 * A program of a session can write the person's settings file.  So of what stands there
 * nothing is taken that says where requests go, as whom, or whose certificates count
 * (docs/DEFENCES.md, "What a settings file can change").  What a provider's file says
 * comes first.
 */
#ifndef CONFIG_CLIENT_TAKEOVER_H
#define CONFIG_CLIENT_TAKEOVER_H

#include <stdbool.h>
#include "base/paths.h"
#include "wire/limits.h"

struct failure;
struct provider;
struct settings_files;

#define TAKEOVER_MAX 64
#define TAKEOVER_WHY 256
#define TAKEOVER_WHERE (PATH_SIZE + VARIABLE_MAX_LEN + 16)

enum setting_fate {
	SETTING_TAKEN,	 /* it is in the provider's env now */
	SETTING_BEFORE,	 /* the client heeds it, before what the provider's file says */
	SETTING_IGNORED, /* why says why, and what to do instead */
};

struct setting {
	enum setting_fate fate;
	char name[VARIABLE_MAX_LEN + 1]; /* of a variable or, where !env, a key of the file */
	bool env;
	bool routine; /* it says where requests go and as whom, which is what a provider is for */
	const char *path;	/* of the file; it lives as long as the files */
	char why[TAKEOVER_WHY]; /* names and paths, never a value of a settings file */
};

struct takeover {
	struct setting setting[TAKEOVER_MAX]; /* in the files' order; what is beyond is left out */
	unsigned n;
};

/*
 * Take over into p's env what files say.  relayed: the client gets no key.  Nothing where p's
 * client is not told that its provider is managed: it heeds its settings itself then, and what
 * of them says where requests go and as whom is named.
 */
void takeover(struct provider *p, const struct settings_files *files, bool relayed,
	      struct takeover *out);

/* out = "FILE: env.NAME" or "FILE: NAME", as it may be shown. */
void setting_where(const struct setting *s, char out[TAKEOVER_WHERE]);

#endif
