/*
 * victim - stands for claude in a session: has the token, or by relay the way to
 * its relay, and runs a command.
 *
 *   victim COMMAND      exit 0: that is here and the command succeeded
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *token = getenv("ANTHROPIC_AUTH_TOKEN");
	int status;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (!getenv("ANTHROPIC_UNIX_SOCKET") && (!token || strlen(token) < 12)) {
		puts("victim: no token here");
		return 3;
	}
	if (argc < 2)
		return 0;
	status = system(argv[1]);
	return status == 0 ? 0 : 4;
}
