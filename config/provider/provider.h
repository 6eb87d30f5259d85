/*
 * config/provider/provider.h - a provider: its files read, overlaid and resolved.
 *
 * share/ccrun/providers/NAME.conf, overlaid key by key by
 * ~/.config/ccrun/providers/NAME.conf.  ccrun-provider(5) is the format.
 */
#ifndef CONFIG_PROVIDER_PROVIDER_H
#define CONFIG_PROVIDER_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include "wire/limits.h"
#include "wire/policy.h"
#include "wire/prices.h"

struct failure;

#define PROVIDER_VALUE_MAX 1024
#define PROVIDER_LABEL_MAX 32 /* bytes of a label in a file */
#define PROVIDER_ENV_MAX 128
#define PROVIDER_WHERE 128
#define PROVIDER_PATH 256
#define PROVIDER_PARAMS_MAX 16
#define PROVIDER_MODES_MAX 32
#define PROVIDER_NAMED_MAX 32

enum auth {
	AUTH_BEARER,
	AUTH_API_KEY,
	AUTH_OAUTH,
	AUTH_NONE,
	AUTH_FOUNDRY,
	AUTH_FOUNDRY_TOKEN, /* Microsoft Foundry by a token of Entra's */
	AUTH_BEDROCK,
	AUTH_MANTLE, /* Bedrock's Messages API */
	AUTH_VERTEX,
	AUTH_CLAUDE_AWS,    /* Claude Platform on AWS */
	AUTH_CLAUDE_GOOGLE, /* Claude Platform on Google Cloud */
	AUTH_GATEWAY	    /* the client's own gateway mode */
};

struct provider_secret {
	char variable[VARIABLE_MAX_LEN + 1];
	char entry[NAME_MAX_LEN + 1];
	bool users; /* a line of [secrets] in a file of the user's own says it */
};

struct provider_env {
	char name[VARIABLE_MAX_LEN + 1];
	char value[PROVIDER_VALUE_MAX + 1];
	const char *from; /* "env", "models", "regions", "headers", "betas", "auth", "endpoint",
			   * "policy", "project", "settings" (static) */
	char where[PROVIDER_WHERE]; /* FILE:LINE, a long path cut off at its beginning; or "" */
};

/* A parameter's value that no file says. */
struct provider_value {
	const char *key, *value;
};

/* A header of requests; no secret. */
struct provider_header {
	char name[HEADER_NAME_MAX + 1];
	char value[HEADER_VALUE_MAX + 1];
};

struct provider_param {
	char name[NAME_MAX_LEN + 1];
	char value[PROVIDER_VALUE_MAX + 1]; /* "" while it is missing */
	char ask[256];			    /* the question, or "" */
	char asked_by[PROVIDER_PATH];	    /* the file of the user's own that asks it, or "" */
	char fallback[256];		    /* a default, or "" */
	char choices[256];		    /* what it can be, ", " between; or "": anything */
	bool answered;			    /* the value is of struct provider_answers */
};

struct provider {
	char name[NAME_MAX_LEN + 1];
	char mode[NAME_MAX_LEN + 1]; /* "" for none */
	char title[128];
	char title_by[PROVIDER_PATH];	       /* the file of the user's own that says so, or "" */
	char base_url[PROVIDER_VALUE_MAX + 1]; /* substituted; "": Claude Code's own default */
	char origin[ORIGIN_MAX_LEN + 1];       /* sealed with the key; see provider_load */
	enum auth auth;
	struct provider_secret secret[SESSION_ENTRIES_MAX];
	unsigned secrets; /* 0: needs no vault */
	char placeholder[128];
	struct provider_env env[PROVIDER_ENV_MAX]; /* everything that is set, secrets excepted */
	unsigned envs;
	struct provider_header header[HEADERS_MAX];
	unsigned headers;
	struct provider_param param[PROVIDER_PARAMS_MAX];
	unsigned params;
	char modes[PROVIDER_MODES_MAX][NAME_MAX_LEN + 1];
	unsigned mode_count;
	char model[128]; /* what the start line shows, or "" */
	char docs[512];
	char verified[256];
	char label[128]; /* for the status line; the title where the file has none; never "" */
	char colour[64]; /* of the label, words of config/settings/colour.h, or "" */
	char usage[NAME_MAX_LEN + 1]; /* what kind of quota to fetch; "" for none, and when local */
	char unverified[64];	      /* of verified = "no, WHY; more": WHY; or "" */
	char key_url[256];	      /* where a person gets the key; for `ccctl add`; or "" */
	char key_url_by[PROVIDER_PATH]; /* the file of the user's own that says so, or "" */
	char needs[512];	      /* what the user can do when nothing of needs_any is there */
	char needs_by[PROVIDER_PATH]; /* the file of the user's own that says so, or "" */
	char needs_any[1024];	      /* words: env:NAME, file:PATH (~ is home) */
	struct price_line price[PRICE_LINES_MAX];
	char price_where[PRICE_LINES_MAX][PROVIDER_WHERE]; /* as provider_env's */
	unsigned prices;				   /* lines of [prices] */
	char users_file[PROVIDER_PATH]; /* the highest file of the user's own, or "" */
	char users_over
		[PROVIDER_PATH]; /* the highest of these that lies over a shipped one, or "" */
	char borrowed[NAME_MAX_LEN + 1]; /* whose default sections its mode has (use =), or "" */
	/* The nearest shipped provider that it is or uses, and that its default sections are of
	 * (of `borrowed`, if that has one); or "" */
	char shipped[NAME_MAX_LEN + 1], shipped_base[NAME_MAX_LEN + 1];
	/* Entries that a key of it may have, whether or not it needs one: the names of the
	 * providers whose files these are, and the entries that stand anywhere in them. */
	char named[PROVIDER_NAMED_MAX][NAME_MAX_LEN + 1];
	unsigned nameds;
	bool local;	      /* the endpoint is this machine */
	bool exposed;	      /* exposed = yes in [secrets] */
	struct policy policy; /* the file's proposal */
	bool says_nested;     /* the files say nested = ... */
	char note[256];	      /* a correction that was made ("base_url: dropped /v1"), or "" */
};

/*
 * Load and resolve NAME[:MODE] (mode NULL or "" for none).  *out is allocated
 * (provider_free).  Values are substituted where the parameters are known.
 *
 * origin is "<auth> <url>", the url being base_url, or for auth = bedrock
 * without one "https://bedrock-runtime.REGION.amazonaws.com", for foundry
 * "https://RESOURCE.services.ai.azure.com/anthropic", for vertex
 * "https://REGION-aiplatform.googleapis.com", for bearer and api-key without
 * base_url "https://api.anthropic.com".
 *
 * Fails with FAIL_NO_ENTRY (unknown name: the hint lists the nearest;
 * unknown mode: the hint lists the modes), FAIL_UNSAFE_PATH (a file that
 * others can write), FAIL_CONFIG ("FILE:LINE: what is wrong").
 */
int provider_load(const char *name, const char *mode, struct provider **out, struct failure *f);
void provider_free(struct provider *p);

/*
 * provider_load with one parameter's value on trial, in the place of what the files say.
 */
int provider_load_trying(const char *name, const char *mode, const char *key, const char *value,
			 struct provider **out, struct failure *f);

/* What answers parameters that the files leave open, for this one load. */
struct provider_answers {
	const char *model; /* `model`; or NULL */
	bool defaults;	   /* what has one sane value has it */
};

/* provider_load with answers. */
int provider_load_answered(const char *name, const char *mode, const struct provider_answers *a,
			   struct provider **out, struct failure *f);

/*
 * provider_load as if the user had no files, with n values for parameters.  FAIL_NO_ENTRY,
 * too, for a provider or a mode that is the user's own.
 */
int provider_load_shipped(const char *name, const char *mode, const struct provider_value *value,
			  unsigned n, struct provider **out, struct failure *f);

/*
 * provider_load as if the user's file of NAME had text (text[len] is NUL), which is not saved
 * yet; path: where it is to be, for messages.
 */
int provider_load_draft(const char *name, const char *mode, const char *path, const char *text,
			size_t len, struct provider **out, struct failure *f);

/* Its name in a sentence of ours: the title if that ships, as anything can stand in another. */
const char *provider_called(const struct provider *p);

/* The first parameter without a value, or NULL. */
const struct provider_param *provider_missing(const struct provider *p);

#endif
