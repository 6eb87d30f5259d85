/*
 * sandbox/cage.h - Landlock and a seccomp filter, for a program that links large libraries.
 */
#ifndef SANDBOX_CAGE_H
#define SANDBOX_CAGE_H

struct failure;
struct landlock_rules;

/*
 * Restrict this process, and what it starts, for the rest of its life: to the files and
 * ports of the rules (landlock_restrict), and by the deny list with `also` (deny_list_enter).
 * Returns 0, or -1 with f set: the caller ends then.
 */
int cage_enter(const struct landlock_rules *files, unsigned also, struct failure *f);

#endif
