/*
 * config/source/source_expand.h - what the two halves of sources share.
 */
#ifndef CONFIG_SOURCE_SOURCE_EXPAND_H
#define CONFIG_SOURCE_SOURCE_EXPAND_H


/* A reference taken apart, as the file's command needs it. */
struct source_ref {
	const char *ref;
	char path[SOURCE_REF_MAX + 1];	/* behind the scheme, up to the # where there is a field */
	char field[SOURCE_REF_MAX + 1]; /* behind the last #; "" for none */
};

#endif
