/*
 * base/machine_id.c - reads /etc/machine-id.
 */
#include "base/machine_id.h"

#include <stdlib.h>

#include "base/io.h"

void machine_id_read(char *out, size_t size)
{
	size_t n, i;
	char *text;

	out[0] = '\0';
	if (io_slurp("/etc/machine-id", 64, &text, &n, NULL) != 0)
		return;
	for (i = 0; i < n && i < size - 1 && text[i] > ' '; i++)
		out[i] = text[i];
	out[i] = '\0';
	free(text);
}
