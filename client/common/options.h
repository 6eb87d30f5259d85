/*
 * client/common/options.h - options and words on the command line.  No message ever
 * shows a word that may be a key.
 */
#ifndef CLIENT_COMMON_OPTIONS_H
#define CLIENT_COMMON_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include "wire/limits.h"

struct failure;

/*
 * getopt_long with the options of the verb argv[0] (spec/spec.h) and ccctl's own messages;
 * *first: true before the first call.  Returns the option's id (enum option_id), -1 at the
 * end, or '?' with f set (FAIL_USAGE).
 */
int next_option(bool *first, int argc, char **argv, struct failure *f);

/* The verb has no options.  0, with optind at the first word, or -1. */
int no_options(int argc, char **argv, struct failure *f);

/* The verb's only option is --json.  0, with optind at the first word, or -1. */
int json_option(int argc, char **argv, bool *json, struct failure *f);

/* Exactly n words must follow the options.  0 or -1. */
int require_words(int argc, char **argv, int n, struct failure *f);

/* A whole number from least to most; what: the option's name, for the message.  0 or -1. */
int number_option(const char *text, long least, long most, const char *what, long *out,
		  struct failure *f);

/* The number of an open descriptor.  0 or -1. */
int passphrase_fd_option(const char *text, int *fd, struct failure *f);

/* The verb's only option is --passphrase-fd; *fd is -1 without it.  0, with optind at the
 * first word, or -1. */
int passphrase_fd_alone(int argc, char **argv, int *fd, struct failure *f);

/* The word must be a valid entry name.  0 or -1. */
int require_name(const char *word, struct failure *f);

/* Split NAME[:MODE]; mode becomes "" when there is none.  0 or -1. */
int split_provider(const char *word, char name[NAME_MAX_LEN + 1], char mode[NAME_MAX_LEN + 1],
		   struct failure *f);

#endif
