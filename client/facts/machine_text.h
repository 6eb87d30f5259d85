/*
 * client/facts/machine_text.h - reading a file that says how this machine is set up.
 */
#ifndef CLIENT_FACTS_MACHINE_TEXT_H
#define CLIENT_FACTS_MACHINE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The text of such a file (machine_file.h), at most size - 1 bytes of it, without the newline at
 * its end.  False: it cannot be read or is longer, and out is "". */
bool machine_text_read(const char *path, char *out, size_t size);

#endif
