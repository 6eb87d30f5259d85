/*
 * helpers/logind/inhibitor.h - the delay inhibitor, for which sleep waits.
 */
#ifndef HELPERS_LOGIND_INHIBITOR_H
#define HELPERS_LOGIND_INHIBITOR_H

#include <stdint.h>

struct login1;

/* Ask logind for one.  Without it sleep does not wait for us: that is only a warning, said once. */
void inhibitor_take(struct login1 *l);

/* Give it back, if there is one. */
void inhibitor_release(struct login1 *l);

/* When to ask again for one that was refused (clock_now_ms); INT64_MAX: never. */
int64_t inhibitor_next_try(const struct login1 *l);

#endif
