/*
 * broker/marked.h - refusing a process for its mark, in words that fit how it got it.
 */
#ifndef BROKER_MARKED_H
#define BROKER_MARKED_H

struct failure;
struct request;

/*
 * q was refused with FAIL_MARKED.  If it shows no ticket, and no session is seen above its
 * process, f says that instead; it does not depend on what was asked for.
 */
void marked_explain(const struct request *q, struct failure *f);

#endif
