/*
 * base/machine_id.h - telling this machine from one that has a copy of its files.
 */
#ifndef BASE_MACHINE_ID_H
#define BASE_MACHINE_ID_H

#include <stddef.h>

/* out (size bytes) = the contents of /etc/machine-id (machine-id(5)), or "". */
void machine_id_read(char *out, size_t size);

#endif
