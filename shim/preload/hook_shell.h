/*
 * hook_shell.h - the hooks on system, popen, pclose and wordexp.
 */
#ifndef SHIM_PRELOAD_HOOK_SHELL_H
#define SHIM_PRELOAD_HOOK_SHELL_H

/* Make them safe in forked children.  Once, in the constructor of a session. */
void hook_shell_start(void);

#endif
