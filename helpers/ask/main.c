/*
 * helpers/ask/main.c - ccrun-ask: asks a provider's server for the names of its models, or for
 * one token of an answer.  `ccrun --models PROVIDER` and `ccrun --test PROVIDER` become it as
 * they become claude: it is the session's process, has no key, and asks through the session's
 * relay where the provider wants one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "helpers/ask/list.h"
#include "helpers/ask/trial.h"
#include "helpers/helper_cage.h"

#define PROGRAM "ccrun-ask"

/* Nobody is asked there: the relay knows where. */
#define BEHIND_RELAY "http://ccrun.invalid"

static const char usage_text[] =
	"usage: " PROGRAM " models\n"
	"       " PROGRAM " test [--model MODEL] [--wait SECONDS]\n\n"
	"Asks the server at ANTHROPIC_BASE_URL, or behind the session's relay, for the names\n"
	"of its models, or for one token as a trial.  ccrun starts it, for ccctl.\n";

static int server_ask(char **argv, struct failure *f)
{
	const char *base = getenv("ANTHROPIC_BASE_URL"), *socket = getenv("ANTHROPIC_UNIX_SOCKET");
	const struct helper_cage cage = { .network = true };

	if (socket && !socket[0])
		socket = NULL;
	if (socket)
		base = BEHIND_RELAY;
	if (!base || !base[0])
		return fail_set(f, FAIL_USAGE, "ccctl models PROVIDER", "ccrun runs this program");
	if (helper_cage_enter(&cage, f) != 0)
		return -1;
	if (strcmp(argv[1], "test") == 0)
		return trial_run(base, socket, argv + 2, f);
	return list_print(base, socket, f);
}

int main(int argc, char **argv)
{
	struct failure f = { .code = FAIL_NONE };

	if (io_open_standard_streams() != 0)
		return EXIT_FAILED;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts(PROGRAM " " CCRUN_VERSION) < 0 ? EXIT_FAILED : EXIT_DONE;
	if (argc < 2 ||
	    (strcmp(argv[1], "test") != 0 && (strcmp(argv[1], "models") != 0 || argc != 2))) {
		bool help = argc == 2 && strcmp(argv[1], "--help") == 0;

		fputs(usage_text, help ? stdout : stderr);
		return help ? EXIT_DONE : EXIT_USAGE;
	}
	if (server_ask(argv, &f) == 0)
		return EXIT_DONE;
	fail_print(PROGRAM, &f);
	return EXIT_FAILED;
}
