/*
 * shim/privileged.c - sudo and its like, which confinement takes from a session.
 */
#include "shim/privileged.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fail.h"
#include "shim/target.h"

int privileged_run(const char *name, char **argv, struct failure *f)
{
	const char *provider = getenv("CCRUN_PROVIDER");
	struct target t;
	int code;

	if (target_find(&t, name, &code, f) != 0)
		return code;
	/* Root has what these programs would give. */
	if (geteuid() == 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
		execv(t.path, argv);
		fail_errno(f, NULL, "%s", t.path);
		return EXIT_CANNOT_EXEC;
	}
	fail_set(f, FAIL_POLICY, NULL,
		 "%s does nothing in this session: its programs gain no privileges", name);
	fail_hint(f,
		  "run it in another terminal; or for sessions with it: confine = off in [policy] "
		  "of ~/.config/ccrun/providers/%s.conf, and ccctl approve %s",
		  provider ? provider : "PROVIDER", provider ? provider : "PROVIDER");
	return 1;
}
