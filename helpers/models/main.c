/*
 * helpers/models/main.c - ccrun-models: prints the names of the models that a server has, a line
 * each.  `ccrun --models PROVIDER` becomes it as it becomes claude: it has no key, and asks
 * through the session's relay where the provider wants one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "helpers/helper_cage.h"
#include "helpers/models/models_answer.h"
#include "helpers/models/models_get.h"
#include "wire/names.h"

#define PROGRAM "ccrun-models"

static const char usage_text[] =
	"usage: " PROGRAM "\n\n"
	"Prints the names of the models that the server at ANTHROPIC_BASE_URL has.  ccrun\n"
	"starts it, for ccctl models.\n";

static int status_fail(long status, const char *base, struct failure *f)
{
	if (status == 401 || status == 403)
		return fail_set(f, FAIL_POLICY, "ccctl add PROVIDER --replace",
				"the provider refuses the key (HTTP %ld)", status);
	if (status == 404 || status == 405)
		return fail_set(f, FAIL_NO_ENTRY, "its documentation names its models",
				"the provider has no list of models (HTTP %ld)", status);
	return fail_set(f, FAIL_SYSTEM, NULL, "%.200s answers with HTTP %ld", base, status);
}

/* Ask at one path and print.  0; 1: there is no such list there; or -1. */
static int list_print(const char *base, const char *path, const char *socket, struct failure *f)
{
	struct models_answer got;
	int r;

	if (models_get(base, path, socket, &got, f) != 0)
		return -1;
	if (got.status != 200) {
		r = status_fail(got.status, base, f) != 0 && got.status == 404 ? 1 : -1;
	} else {
		r = models_answer_print(got.body, got.n, stdout);
		if (r < 0)
			fail_set(f, FAIL_PROGRAM, NULL, "the answer of %.200s is no list of models",
				 base);
		r = r < 0 ? -1 : 0;
	}
	free(got.body);
	return r;
}

static int models_print(struct failure *f)
{
	const char *base = getenv("ANTHROPIC_BASE_URL"), *socket = getenv("ANTHROPIC_UNIX_SOCKET");
	const struct helper_cage cage = { .network = true };
	int r;

	if (!base || !base[0])
		return fail_set(f, FAIL_USAGE, "ccctl models PROVIDER", "ccrun runs this program");
	if (helper_cage_enter(&cage, f) != 0)
		return -1;
	if (socket && !socket[0])
		socket = NULL;
	r = list_print(base, "/v1/models?limit=1000", socket, f);
	/* An Ollama of before its OpenAI-like API.  A relay passes no such path. */
	if (r > 0 && !socket)
		r = list_print(base, "/api/tags", NULL, f);
	if (r != 0)
		return -1;
	return fflush(stdout) == 0 ? 0 : fail_errno(f, NULL, "standard output");
}

int main(int argc, char **argv)
{
	struct failure f = { .code = FAIL_NONE };

	if (io_open_standard_streams() != 0)
		return EXIT_FAILED;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts(PROGRAM " " CCRUN_VERSION) < 0 ? EXIT_FAILED : EXIT_DONE;
	if (argc > 1) {
		fputs(usage_text, strcmp(argv[1], "--help") == 0 ? stdout : stderr);
		return strcmp(argv[1], "--help") == 0 ? EXIT_DONE : EXIT_USAGE;
	}
	if (models_print(&f) == 0)
		return EXIT_DONE;
	fail_print(PROGRAM, &f);
	return EXIT_FAILED;
}
