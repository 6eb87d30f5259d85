/*
 * shim/confirm.h - waiting for a person's yes to this launch.
 */
#ifndef SHIM_CONFIRM_H
#define SHIM_CONFIRM_H

struct failure;

/*
 * The broker lets this launch wait (FAIL_CONFIRM).  Have ccctl ask for the yes on the terminal,
 * where there is one, and wait until it is there, given here or by `ccctl confirm` in another
 * window.  0: `open` may be asked again.  -1: FAIL_DECLINED, FAIL_TIMEOUT, FAIL_LOCKED, ...
 */
int confirm_wait(struct failure *f);

#endif
