/*
 * helpers/logind/program.h - the name under which ccrun-logind reports failures.
 */
#ifndef HELPERS_LOGIND_PROGRAM_H
#define HELPERS_LOGIND_PROGRAM_H

#define PROGRAM "ccrun-logind"

#endif
