/*
 * shim/provider_list.c - ccrun --list.
 */
#include "shim/provider_list.h"

#include <stdlib.h>

#include "base/fail.h"
#include "base/io.h"
#include "config/provider/names.h"
#include "config/provider/provider.h"

static void provider_print_line(FILE *to, const char *name)
{
	struct provider *p = NULL;
	struct failure f;
	unsigned i;

	if (provider_load(name, NULL, &p, &f) != 0) {
		fprintf(to, "%-14s (%s)\n", name, f.what);
		return;
	}
	fprintf(to, "%-14s %s", name, p->title);
	for (i = 0; i < p->mode_count; i++)
		fprintf(to, "%s%s", i ? ", " : "  [modes: ", p->modes[i]);
	fprintf(to, "%s%s", p->mode_count ? "]" : "", p->secrets ? "" : "  (no key needed)");
	fputc('\n', to);
	provider_free(p);
}

int provider_list_print(FILE *to, struct failure *f)
{
	char **names;
	unsigned i, n;

	if (provider_names(&names, &n, f) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		provider_print_line(to, names[i]);
		free(names[i]);
	}
	free(names);
	return io_flush(to) == 0 ? 0 : fail_errno(f, NULL, "output");
}
