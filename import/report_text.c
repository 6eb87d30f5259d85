/*
 * import/report_text.c - paths and secrets as they are shown.
 */
#include "import/report_text.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 4    /* characters of a secret that are shown */
#define SHOWN_LEAST 16 /* of a shorter secret none are */

const char *report_path(const char *home, const char *path, char out[PATH_SIZE])
{
	size_t n = strlen(home);
	char *p;

	if (strncmp(path, home, n) == 0 && path[n] == '/')
		snprintf(out, PATH_SIZE, "~%.4000s", path + n);
	else
		snprintf(out, PATH_SIZE, "%s", path);
	for (p = out; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return out;
}

void report_secret(const char *p, size_t n, char out[SECRET_SHOWN])
{
	size_t i, k = n >= SHOWN_LEAST ? SHOWN_MAX : 0;

	snprintf(out, SECRET_SHOWN, "****");
	for (i = 0; i < k; i++)
		out[4 + i] = p[n - k + i] > ' ' && p[n - k + i] <= '~' ? p[n - k + i] : '?';
	out[4 + k] = '\0';
}
