/*
 * hook.h - marks for the functions that libccrun.so puts in front of libc's.
 *
 * Rules for the whole library: it includes libc and wire/claim.h only; it
 * writes to no standard stream except for a refusal; it does not call the
 * program's getenv, setenv or malloc (bash has its own), popen's entry excepted;
 * it waits for nothing without a deadline.
 */
#ifndef SHIM_PRELOAD_HOOK_H
#define SHIM_PRELOAD_HOOK_H

/* Visible to the dynamic linker; everything else in the library is hidden. */
#define HOOK __attribute__((visibility("default")))

/*
 * libc's headers promise the compiler that argv is never NULL; callers pass
 * NULL all the same.  Behind this the compiler forgets the promise.
 */
#define HIDE(p)                              \
	__extension__({                      \
		__typeof__(p) hidden_ = (p); \
		__asm__("" : "+r"(hidden_)); \
		hidden_;                     \
	})

#endif
