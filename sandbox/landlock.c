/*
 * sandbox/landlock.c - which files a process may use, and where it may connect to.
 */
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h, of which musl's headers have nothing, and old ones a part. */
#define ALL_OF_ABI_1 ((1u << 13) - 1) /* all rights on files of Landlock ABI 1 */
#define EXECUTE (1u << 0)
#define WRITE_FILE (1u << 1)
#define READ_FILE (1u << 2)
#define READ_DIR (1u << 3)
#define REMOVE_FILE (1u << 5)
#define MAKE_DIR (1u << 7)
#define MAKE_REG (1u << 8)
#define MAKE_SOCK (1u << 9)
#define CREATE_VERSION 1u
#define RULE_PATH_BENEATH 1
#define TRUNCATE_ABI 3
#define TRUNCATE (1u << 14)
#define NET_ABI 4
#define NET_BIND_TCP (1u << 0)
#define NET_CONNECT_TCP (1u << 1)
#define RULE_NET_PORT 2
#define SCOPE_ABSTRACT_SOCKETS (1u << 0)
#define SCOPE_SIGNAL (1u << 1)

/* landlock_ruleset_attr, landlock_path_beneath_attr, landlock_net_port_attr. */
struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t access;
	int32_t parent;
} __attribute__((packed));

struct port_rule {
	uint64_t access, port;
};

/* The kernel's rights for LANDLOCK_...; it takes no right on directories for a file. */
static uint64_t rights_of(unsigned may, bool directory, uint64_t handled)
{
	static const struct {
		unsigned may;
		uint64_t files, directories;
	} rights[] = {
		{ LANDLOCK_READ, READ_FILE, READ_DIR },
		{ LANDLOCK_WRITE, WRITE_FILE | TRUNCATE, 0 },
		{ LANDLOCK_MAKE, 0, MAKE_REG },
		{ LANDLOCK_REMOVE, 0, REMOVE_FILE },
		{ LANDLOCK_MAKE_DIR, 0, MAKE_DIR },
		{ LANDLOCK_LISTEN, 0, MAKE_SOCK },
		{ LANDLOCK_RUN, EXECUTE, 0 },
	};
	uint64_t all = 0;
	size_t i;

	for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		if (may & rights[i].may)
			all |= rights[i].files | (directory ? rights[i].directories : 0);
	return all & handled;
}

static int ruleset_allow_fd(int ruleset, const struct ruleset *handled, int fd, unsigned may)
{
	struct path_rule rule = { .parent = fd };
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -1;
	rule.access = rights_of(may, S_ISDIR(st.st_mode), handled->fs);
	if (rule.access == 0)
		return 0;
	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0 ? 0 : -1;
}

static int ruleset_allow_path(int ruleset, const struct ruleset *handled, const char *path,
			      unsigned may)
{
	int fd = open(path, O_PATH | O_CLOEXEC); /* follows links: the rule is for the target */
	int r;

	/* What is not there needs no rule; for want of memory it would be missed. */
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO ? -1
											     : 0;
	r = ruleset_allow_fd(ruleset, handled, fd, may);
	close(fd);
	return r;
}

static int ruleset_allow_paths(int ruleset, const struct ruleset *handled,
			       const struct landlock_rules *rules)
{
	const struct landlock_path *p;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < rules->readable_count; i++)
		r = ruleset_allow_path(ruleset, handled, rules->readable[i], LANDLOCK_READ);
	for (i = 0; r == 0 && i < rules->path_count; i++) {
		p = &rules->paths[i];
		r = p->path ? ruleset_allow_path(ruleset, handled, p->path, p->may)
			    : ruleset_allow_fd(ruleset, handled, p->fd, p->may);
	}
	return r;
}

static int ruleset_allow_port(int ruleset, uint16_t port)
{
	const struct port_rule rule = { NET_CONNECT_TCP, port };

	return syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) == 0 ? 0 : -1;
}

/* What a kernel of this ABI can handle of it.  Returns how much of *want it knows. */
static size_t ruleset_fill(struct ruleset *want, int abi, const struct landlock_rules *rules)
{
	*want = (struct ruleset){ .fs = ALL_OF_ABI_1 };
	if (abi >= TRUNCATE_ABI)
		want->fs |= TRUNCATE;
	if (abi >= NET_ABI && rules->limit_ports)
		want->net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi < LANDLOCK_ABI_SCOPE)
		return abi < NET_ABI ? sizeof(want->fs) : sizeof(want->fs) + sizeof(want->net);
	want->scoped = (rules->signals ? 0 : SCOPE_SIGNAL) |
		       (rules->scope_sockets ? SCOPE_ABSTRACT_SOCKETS : 0);
	return sizeof(*want);
}

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return abi < 1 ? -1 : (int)abi;
}

int landlock_scope(void)
{
	const struct ruleset want = { .scoped = SCOPE_SIGNAL };
	long fd = syscall(SYS_landlock_create_ruleset, &want, sizeof(want), 0), r;
	int saved;

	if (fd < 0)
		return -1;
	r = syscall(SYS_landlock_restrict_self, (int)fd, 0);
	saved = errno;
	close((int)fd);
	errno = saved;
	return r == 0 ? 0 : -1;
}

int landlock_restrict(const struct landlock_rules *rules)
{
	struct ruleset want;
	int abi = landlock_abi();
	size_t size, i;
	long fd, r;

	if (abi < 1)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
	size = ruleset_fill(&want, abi, rules);
	fd = syscall(SYS_landlock_create_ruleset, &want, size, 0);
	if (fd < 0)
		return -1;
	r = ruleset_allow_paths((int)fd, &want, rules);
	for (i = 0; r == 0 && want.net && i < rules->port_count; i++)
		r = ruleset_allow_port((int)fd, rules->ports[i]);
	if (r == 0)
		r = syscall(SYS_landlock_restrict_self, (int)fd, 0);
	close((int)fd);
	return r == 0 ? 0 : -1;
}
