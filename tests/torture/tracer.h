/*
 * tests/torture/tracer.h - the tracer's parts: which calls change files, and what they do.
 */
#ifndef TESTS_TORTURE_TRACER_H
#define TESTS_TORTURE_TRACER_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Does it change a file or its name, sync one, or send what a peer may act on?  A write may be
 * one to a pipe: the numbers do not tell. */
bool call_changes_files(const struct seccomp_data *d);

/* Does it open a file, and make it where it is not there? */
bool call_creates(const struct seccomp_data *d);

/* Write a line about that call: its name and, where it is about files, paths, offsets, bytes in
 * hex.  Needs the right to read the process's memory: root, or a program that is dumpable. */
void call_log(FILE *out, const struct seccomp_notif *n, pid_t process);

/* Read the process's memory.  How many bytes that were. */
size_t memory_read(pid_t process, uint64_t at, void *p, size_t n);

/* Do a read, write, recv or send in the process's place, with half of its bytes.  How many that
 * were; -1: it is none, cannot be shortened, or would wait. */
int64_t call_shorten(const struct seccomp_notif *n, pid_t process);

#endif
