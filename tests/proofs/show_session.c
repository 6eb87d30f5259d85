/*
 * tests/proofs/show_session.c - the table of a session's life as Promela, for session.pml.
 */
#include <stdio.h>

#include "broker/session_life.h"

int main(void)
{
	const struct session_step *step;
	size_t i, n;

	step = session_steps(&n);
	printf("#define OPEN %d\n#define ARRIVE %d\n#define CLAIM %d\n#define PIPE %d\n"
	       "#define RELAY %d\n#define AGAIN %d\n",
	       SESSION_OPEN, SESSION_ARRIVE, SESSION_CLAIM, SESSION_PIPE, SESSION_RELAY,
	       SESSION_AGAIN);
	printf("#define NONE %d\n#define LIVE %d\n", SESSION_NONE, SESSION_LIVE);
	printf("#define BY_RELAY %d\n#define BY_PRELOAD %d\n#define BY_PIPE %d\n#define BY_ENV "
	       "%d\n",
	       DELIVERY_RELAY, DELIVERY_PRELOAD, DELIVERY_PIPE, DELIVERY_ENV);
	printf("inline find_step(event) {\n\tmay = false;\n\tif\n");
	for (i = 0; i < n; i++) {
		printf("\t:: event == %d && state == %d", step[i].event, step[i].from);
		if (step[i].resumed)
			printf(" && resumed");
		if (step[i].delivery >= 0)
			printf(" && delivery == %d", step[i].delivery);
		printf(" -> may = true; next = %d\n", step[i].to);
	}
	printf("\t:: else\n\tfi\n}\n");
	return 0;
}
