/*
 * broker/main.c - ccbroker: start, harden, listen, serve, wipe.
 *
 * MUST, in this order: close inherited descriptors; get fresh undumpable memory; refuse
 * to start inside a session; get locked memory and verify it; take the vault's lock;
 * listen; enter the sandbox; only then accept a client.
 */
#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/number.h"
#include "base/proc.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/listener.h"
#include "broker/loop.h"
#include "broker/ready.h"
#include "broker/relay_keeper.h"
#include "broker/sandbox.h"
#include "broker/tenants.h"
#include "broker/witness.h"
#include "spec/spec.h"
#include "vault/arena.h"
#include "vault/crypto.h"

static void print_usage(FILE *out)
{
	spec_print_forms(out, "ccbroker", NULL, spec_broker.forms);
	fputs("\nServes your vault to ccrun and ccctl, which start it when they need it.\n"
	      "With --system it serves every user's, at " SYSTEM_SOCKET ".\n"
	      "With LISTEN_FDS in the environment it serves the inherited socket.\n\n",
	      out);
	spec_print_options(out, spec_broker.options);
}

struct options {
	bool foreground;
	bool system;
	int report;    /* a descriptor to write "ready", "busy" or why not to; -1: stderr */
	int inherited; /* a listening socket from a service manager, or -1 */
};

static void report_failure(const struct options *o, const struct failure *f)
{
	if (o->report < 0) {
		fail_print("ccbroker", f);
		return;
	}
	if (f->code == FAIL_BUSY)
		dprintf(o->report, "busy\n");
	else
		dprintf(o->report, "%s\n%s\n", f->what, f->hint);
}

/* A listening socket by the protocol of sd_listen_fds(3); -1: there is none, or f is
 * set. */
static int find_inherited_socket(struct failure *f)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	unsigned long self = (unsigned long)getpid(), listen_pid;
	int type = 0, listening = 0;
	socklen_t n = sizeof(int);

	if (!pid || !fds || !number_parse(pid, self, self, &listen_pid))
		return -1;
	if (strcmp(fds, "1") != 0)
		return fail_set(f, FAIL_CONFIG, "one ListenSequentialPacket= line",
				"expected one inherited socket, got LISTEN_FDS=%.20s", fds);
	if (getsockopt(3, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_SEQPACKET ||
	    getsockopt(3, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) != 0 || !listening)
		return fail_set(f, FAIL_CONFIG, "ListenSequentialPacket= in the socket unit",
				"the inherited socket is no listening SOCK_SEQPACKET");
	fcntl(3, F_SETFD, FD_CLOEXEC);
	fcntl(3, F_SETFL, O_NONBLOCK);
	if (sock_prepare_listener(3) != 0)
		return fail_errno(f, NULL, "cannot use the inherited socket");
	return 3;
}

static _Noreturn void exit_wrong_usage(void)
{
	print_usage(stderr);
	exit(EXIT_USAGE);
}

/* One option; value: the word behind it.  Ends the process for --help and --version. */
static void parse_option(struct options *o, enum option_id id, const char *value)
{
	unsigned long fd;

	switch (id) {
	case OPTION_FOREGROUND:
		o->foreground = true;
		break;
	case OPTION_SYSTEM:
		o->system = true;
		break;
	case OPTION_REPORT_FD:
		if (!value || !number_parse(value, 3, INT_MAX, &fd))
			exit_wrong_usage();
		o->report = (int)fd;
		break;
	case OPTION_VERSION:
		puts("ccbroker " CCRUN_VERSION);
		exit(0);
	default:
		print_usage(stdout);
		exit(0);
	}
}

static int parse_arguments(int argc, char **argv, struct options *o, struct failure *f)
{
	const struct option_spec *option;
	int i;

	o->foreground = o->system = false;
	o->report = -1;
	for (i = 1; i < argc; i++) {
		option = option_spec_find(spec_broker.options, argv[i]);
		if (!option || strchr(argv[i], '='))
			exit_wrong_usage();
		parse_option(o, option->id, option->argument ? argv[++i] : NULL);
	}
	f->code = FAIL_NONE;
	o->inherited = find_inherited_socket(f);
	if (o->inherited >= 0 && o->report >= 0)
		return fail_set(f, FAIL_USAGE, NULL,
				"--report-fd and LISTEN_FDS exclude each other");
	return f->code == FAIL_NONE ? 0 : -1;
}

/* Close all descriptors over 2 but the report's or the inherited socket: the broker
 * would keep whatever its starter left open. */
static void close_other_descriptors(const struct options *o)
{
	unsigned keep = (unsigned)(o->inherited >= 0 ? o->inherited : o->report);

	if (o->inherited < 0 && o->report < 0)
		keep = 2;
	if (keep > 3)
		syscall(SYS_close_range, 3u, keep - 1, 0u);
	syscall(SYS_close_range, keep + 1, ~0u, 0u);
}

/*
 * MUST: the system broker has a uid of its own.  As root it would be dumpable or not,
 * and clients could not tell; as an ordinary user it could be traced by that user.
 */
static int check_system_user(const struct options *o, struct failure *f)
{
	struct stat st;

	if (!o->system)
		return 0;
	if (getuid() == 0)
		return fail_set(
			f, FAIL_USAGE,
			"setpriv --reuid ccrun --regid ccrun --clear-groups ccbroker --system",
			"the system broker does not run as root");
	if (lstat(SYSTEM_STATE_DIR, &st) != 0)
		return fail_errno(f, "make install, as root, makes it", SYSTEM_STATE_DIR);
	if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 077))
		return fail_set(f, FAIL_UNSAFE_PATH, "it belongs to the user ccrun, mode 0700",
				SYSTEM_STATE_DIR " is not a private directory of uid %u",
				(unsigned)getuid());
	return 0;
}

static int harden_process(const struct options *o, struct broker *b, struct failure *f)
{
	rlim_t want = o->system ? CONNECTION_FDS * SYSTEM_CONNECTIONS + TENANT_FDS * TENANTS_MAX
				: CONNECTION_FDS * CONNECTIONS_MAX + TENANT_FDS;
	struct rlimit files = { want + OTHER_FDS, want + OTHER_FDS };
	bool stays = o->foreground || o->inherited >= 0;
	struct rlimit now;

	umask(077);
	close_other_descriptors(o);
	if (stays && ready_prepare(f) != 0)
		return -1;
	if (proc_fork_hardened(stays) != 0)
		return fail_errno(f, "detach the debugger", "cannot harden the broker");
	if (proc_self_marked())
		return fail_set(f, FAIL_MARKED,
				"start it outside the session; where the hard limit on file "
				"locks is finite for everyone, lift it (ulimit -Hx unlimited)",
				"a broker does not start inside a session");
	/* The default of 1024 may not be enough. */
	if (getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_max != RLIM_INFINITY &&
	    now.rlim_max < files.rlim_max)
		files.rlim_cur = files.rlim_max = now.rlim_max;
	if (files.rlim_cur < (o->system ? SYSTEM_FDS_LEAST : FDS_LEAST))
		return fail_set(f, FAIL_SYSTEM, "ulimit -Hn 1024, before it is started",
				"only %u files may be open here, too few for a broker",
				(unsigned)files.rlim_cur);
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		return fail_errno(f, NULL, "cannot raise the limit of open files");
	b->fds_connections = (unsigned)files.rlim_cur - OTHER_FDS -
			     (o->system ? TENANT_FDS * TENANTS_MAX : TENANT_FDS);
	return 0;
}

static int allocate_places(struct broker *b, struct failure *f)
{
	b->places_most = b->system ? SYSTEM_CONNECTIONS : CONNECTIONS_MAX;
	b->places_uid = b->system ? SYSTEM_UID : CONNECTIONS_UID;
	b->places_marked = b->system ? SYSTEM_MARKED : CONNECTIONS_MARKED;
	b->sessions_uid = b->system ? SYSTEM_SESSIONS : SESSIONS_UID;
	b->connection = calloc(b->places_most, sizeof(*b->connection));
	if (!b->connection)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for connections");
	b->arena = arena_new(b->system ? ARENA_LEAST : ARENA_DEFAULT, f);
	if (!b->arena)
		return -1;
	b->packet = arena_alloc(b->arena, WIRE_PACKET_MAX, f);
	return b->packet ? 0 : -1;
}

/*
 * MUST: fork the witness while this process has no secret, and enter the sandbox last:
 * it forbids much of what comes before.
 */
static int start_broker(struct broker *b, struct options *o, struct failure *f)
{
	if (check_system_user(o, f) != 0 || harden_process(o, b, f) != 0 || libsodium_start(f) != 0)
		return -1;
	b->system = o->system;
	b->started = (uint64_t)time(NULL);
	if (witness_start(f) != 0)
		return -1;
	/* After the witness, with which every capability went. */
	if (relay_keeper_start(b->system, f) != 0 || (!b->system && listener_start(f) != 0))
		return -1;
	if (allocate_places(b, f) != 0 || tenants_start(b, f) != 0 ||
	    listener_open(b, o->inherited, f) != 0 || loop_start(b, f) != 0)
		return -1;
	return sandbox_enter(b, f);
}

static void stop_broker(struct broker *b)
{
	unsigned i;

	if (b->socket[0])
		unlink(b->socket);
	for (i = 0; i < b->places; i++)
		connection_drop(b, &b->connection[i]);
	tenants_stop(b);
	arena_release(b->arena, b->packet);
	arena_free(b->arena);
}

int main(int argc, char **argv)
{
	static struct broker b;
	struct options o;
	struct failure f = { 0 };

	if (parse_arguments(argc, argv, &o, &f) != 0 || start_broker(&b, &o, &f) != 0) {
		report_failure(&o, &f);
		return f.code == FAIL_BUSY ? EXIT_DONE : EXIT_FAILED;
	}
	if (o.report >= 0) {
		dprintf(o.report, "ready\n");
		close(o.report);
	}
	ready_tell();
	loop_run(&b);
	stop_broker(&b);
	return EXIT_DONE;
}
