/*
 * client/trial_words.h - how a trial ended, for a person: one line, and what mends it.
 */
#ifndef CLIENT_TRIAL_WORDS_H
#define CLIENT_TRIAL_WORDS_H

struct failure;
struct provider;
struct trial_report;

/* Of one that works. */
#define TRIAL_LINE_MAX 512
void trial_line(const struct trial_report *r, const char *word, char out[TRIAL_LINE_MAX]);

/* Of any other, in f.  p: the provider; word: as it was called, NAME[:MODE]. */
void trial_fail(const struct trial_report *r, const struct provider *p, const char *word,
		struct failure *f);

#endif
