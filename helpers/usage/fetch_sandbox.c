/*
 * helpers/usage/fetch_sandbox.c - the sandbox of the process that reads untrusted bytes.
 */
#include "helpers/usage/fetch_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/proc.h"

#define CPU_SECONDS 10
#define ALL_OF_ABI_1 ((1u << 13) - 1) /* all rights on files of Landlock ABI 1 */
#define SCOPE_SIGNAL_ABI 6
#define SCOPE_SIGNAL (1u << 1)

/* landlock_ruleset_attr of a recent kernel: the headers' own may lack `scoped`. */
struct ruleset {
	uint64_t fs, net, scoped;
};

/* The system's directories, and where its certificates and resolv.conf may link to. */
static const char *const readable[] = {
	"/etc",
	"/usr",
	"/lib",
	"/lib64",
	"/var/lib/ca-certificates",
	"/nix/store",
	"/gnu/store",
	"/dev/null",
	"/dev/urandom",
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/ssl/certs/ca-certificates.crt",
};

static int landlock_allow_path(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE };
	struct stat st;
	long r;
	int fd = open(path, O_PATH | O_CLOEXEC); /* follows links: the rule is for the target */

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	rule.parent_fd = fd;
	r = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(fd);
	return r == 0 ? 0 : -1;
}

static int landlock_restrict(void)
{
	struct ruleset want = { .fs = ALL_OF_ABI_1 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	size_t size = sizeof(want.fs);
	unsigned i;
	long fd, r;

	if (abi < 1)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
	if (abi >= SCOPE_SIGNAL_ABI) {
		want.scoped = SCOPE_SIGNAL;
		size = sizeof(want);
	}
	fd = syscall(SYS_landlock_create_ruleset, &want, size, 0);
	if (fd < 0)
		return -1;
	for (i = 0, r = 0; r == 0 && i < sizeof(readable) / sizeof(readable[0]); i++)
		r = landlock_allow_path((int)fd, readable[i]);
	if (r == 0)
		r = syscall(SYS_landlock_restrict_self, (int)fd, 0);
	close((int)fd);
	return r == 0 ? 0 : -1;
}

int fetch_sandbox_enter(void)
{
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS }, nothing = { 0, 0 };

	/* The mark: an attacker who takes over this process can connect to the broker,
	 * which gives nothing to a process of a session. */
	if (proc_mark_self() != 0 || setrlimit(RLIMIT_CPU, &cpu) != 0 ||
	    setrlimit(RLIMIT_FSIZE, &nothing) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return landlock_restrict();
}
