/*
 * client/facts/machine_text.c - reading a file that says how this machine is set up.
 */
#include "client/facts/machine_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "client/facts/machine_file.h"

bool machine_text_read(const char *path, char *out, size_t size)
{
	char where[MACHINE_PATH], *text = NULL;
	size_t n;

	out[0] = '\0';
	if (io_slurp(machine_file_path(path, where), size - 1, &text, &n, NULL) != 0)
		return false;
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	memcpy(out, text, strlen(text) + 1);
	free(text);
	return true;
}
