/*
 * shim/client_report.h - ccrun --client: which claude would be started, and how a key could be
 * used for it.
 */
#ifndef SHIM_CLIENT_REPORT_H
#define SHIM_CLIENT_REPORT_H

struct failure;
struct target;

/*
 * Print one fact a line, for ccctl doctor: target, file (what the target leads to), interpreter,
 * version, other (each further claude in PATH), relay yes|no|unknown with the reason, preload yes|no with
 * the reason.  A client that nothing is known of is tried (shim/probe.h).  No provider, broker or
 * key has to do with it.
 *
 * program: of --exec, or NULL.  0; or -1 with the exit status in *code.
 */
int client_report(const char *program, int *code, struct failure *f);

/* A line "other PATH" for each of several versions in PATH that is not taken. */
void client_print_others(const struct target *t);

#endif
