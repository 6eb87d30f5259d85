/*
 * tests/fuzz/fuzz_dispatch.c - what clients and relays say to the broker, one after another: its
 * loop, dispatch, sessions and vault in this process, with state.
 *
 * An input's first byte says how it begins ('n' without a vault, 'l' with a locked one, else with
 * an open one), then come steps, a letter and what follows it:
 *
 *	c CLIENT PROCESS	connect		x CLIENT	hang up
 *	m CLIENT HOW REQUEST..	a request	r CLIENT HOW LENGTH BYTES
 *	f CLIENT HOW TYPE	a fixed message	p PROCESS BITS	what a process is
 *	l RELAY MESSAGE ..	a relay speaks	e RELAY		it ends
 *	t TIME			time passes	d CLIENT	it reads no answers, or does again
 *	b -			another life of the broker
 *
 * What the kernel would say of processes, the clocks and what starts relays is said instead;
 * sockets, descriptors and files are real.  In order of reading:
 *
 *	dispatch_state.h	the processes, clients and relays that there are
 *	dispatch_request.h	a request, and what the input changes of it
 *	dispatch_checks.h	what comes back, and what must hold of it
 *	dispatch_steps.h	the steps
 *	dispatch_kernel.h	what the kernel says instead; it takes the next step
 *	this file		what an input begins with, and what must be left at its end
 *
 * What is checked besides memory: every answer is one message; a token comes out in none but
 * those of `get` and `usage-next`, and never to a marked process; by a claim or to a relay only
 * while the session's process is marked, and by a claim undumpable; the slot's key in none.  After
 * an input no locked memory is in use, no descriptor is open, no file is half written.
 *
 * Targets: broker/
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/machine_id.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/loop.h"
#include "broker/places.h"
#define FUZZ_ONE_IN 4
#include "tests/fuzz/dispatch_kernel.h"
#include "tests/fuzz/dispatch_request.h"
#include "tests/fuzz/dispatch_state.h"
#include "tests/fuzz/dispatch_steps.h"
#include "tests/fuzz/fuzz_arena.h"
#include "tests/fuzz/fuzz_directory.h"
#include "vault/arena.h"
#include "vault/crypto.h"
#include "vault/host_key.h"
#include "vault/inspect.h"

#define STEPS_MAX 64
#define LISTENER_ID UINT64_MAX

static int first_free; /* the lowest descriptor that is not open as an input begins */
static char host_key[HOST_SECRET_TEXT];

/* ---- from input to input ---- */

static void path_below(const char *leaf, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", fuzz_directory, leaf);
}

/* What the last input left there; none of it half written. */
static void directory_empty(const char *leaf)
{
	char path[96];
	struct dirent *e;
	DIR *d;

	path_below(leaf, path, sizeof(path));
	d = opendir(path);
	while (d && (e = readdir(d))) {
		MUST(!strstr(e->d_name, ".new"));
		if (e->d_name[0] != '.')
			MUST(unlinkat(dirfd(d), e->d_name, 0) == 0);
	}
	if (d)
		closedir(d);
}

static void file_put(const char *leaf, const void *p, size_t n)
{
	char path[96];
	int fd;

	path_below(leaf, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}

static void processes_renew(void)
{
	uint64_t count;
	unsigned i;
	int life;

	for (i = 0; i < PROCESSES; i++) {
		life = process[i].life;
		if (process[i].dead)
			MUST(read(life, &count, sizeof(count)) == sizeof(count));
		memset(&process[i], 0, sizeof(process[i]));
		process[i].life = life;
	}
}

static void broker_begin(bool vault)
{
	now_ms = 1000000;
	wall_s = 1795300000;
	processes_renew();
	memset(told, 0, sizeof(told));
	told_part_n = 0;
	directory_empty("data/ccrun");
	directory_empty("state/ccrun");
	if (vault) {
		file_put("data/ccrun/vault", vault_file, vault_file_n);
		file_put("data/ccrun/host.key", host_key, strlen(host_key));
	}
	broker_start();
}

static int descriptor_first_free(void)
{
	int fd = fcntl(sealed_file, F_DUPFD_CLOEXEC, 3);

	close(fd);
	return fd;
}

static void script_run(const uint8_t *p, size_t n, bool vault)
{
	script.p = p;
	script.n = n;
	steps = STEPS_MAX;
	first_free = descriptor_first_free();
	broker_begin(vault);
	loop_run(&b);
	broker_stop();
	MUST(descriptor_first_free() == first_free);
}

/* ---- what each input begins with ---- */

static uint8_t written[65536];
static size_t written_n;

static void write_bytes(const char *p, size_t n)
{
	MUST(n <= sizeof(written) - written_n);
	memcpy(written + written_n, p, n);
	written_n += n;
}

/* That request by client 0, without a change. */
static void write_request(unsigned how, const char *line, unsigned changes)
{
	unsigned i;

	for (i = 0; strcmp(requests[i], line) != 0; i++)
		MUST(i + 1 < REQUESTS);
	write_bytes((char[]){ 'm', 0, (char)how, (char)i, (char)changes }, 5);
}

static void write_change(const char *alias, unsigned choice)
{
	write_bytes((char[]){ (char)field_find(alias, strlen(alias)), (char)choice }, 2);
}

/* Keyfiles of that vault, sealed to a host whose key is in its directory. */
static void keyfiles_make(void)
{
	static const uint8_t seed[HOST_SEED_LEN] = { 1 };
	static struct vault_public public;
	struct keyfile_info info;
	uint8_t *secret = arena_alloc(b.arena, HOST_SEED_LEN, NULL), key[KEY_LEN];
	char machine[BOUND_LEN];

	MUST(secret && vault_inspect(vault_file, vault_file_n, &public, NULL) == 0);
	machine_id_read(machine, sizeof(machine));
	host_pair(seed, machine, info.host, secret);
	arena_release(b.arena, secret);
	host_secret_format(seed, host_key);
	memcpy(info.vault, public.id, sizeof(info.vault));
	memset(key, KEY_BYTE, sizeof(key));
	for (info.slot = 1; info.slot <= 2; info.slot++)
		MUST(keyfile_seal(&info, key, keyfiles[info.slot - 1]) == 0);
}

/* A vault with an entry of each kind: the first names of the pool, with those policies. */
static void fixture_make(void)
{
	char path[96];
	unsigned i;
	int fd;

	written_n = 0;
	write_bytes("c\0\0", 3);
	write_request(0, "init slot[] key", 0);
	for (i = 0; i < 8; i++) {
		write_request(0,
			      i == 7 ? "put name origin variable policy replace source command pick"
				     : "put name origin variable policy replace token",
			      3);
		write_change("name", i);
		write_change("policy", i);
		write_change("variable", i == TEAM);
	}
	script_run(written, written_n, false);
	MUST(fuzz_understood == 9);
	path_below("data/ccrun/vault", path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	vault_file_n = (size_t)read(fd, vault_file, sizeof(vault_file));
	MUST(fd >= 0 && vault_file_n > 0 && vault_file_n < sizeof(vault_file));
	close(fd);
	keyfiles_make();
	written_n = 0;
	write_bytes("c\0\0", 3);
	write_request(0, "unlock slot key", 0);
}

static void memory_prepare(void)
{
	uint64_t inputs = fuzz_inputs, understood = fuzz_understood;

	b.arena = fuzz_arena;
	b.packet = arena_alloc(b.arena, WIRE_PACKET_MAX, NULL);
	MUST(b.packet);
	arena_empty = arena_used(b.arena);
	fuzz_understood = 0;
	fixture_make();
	fuzz_inputs = inputs;
	fuzz_understood = understood;
}

static void broker_prepare(void)
{
	struct failure f = { 0 };
	char path[96];
	unsigned i;

	path_below("data", path, sizeof(path));
	MUST(mkdir(path, 0700) == 0 && setenv("XDG_DATA_HOME", path, 1) == 0);
	path_below("state", path, sizeof(path));
	MUST(mkdir(path, 0700) == 0 && setenv("XDG_STATE_HOME", path, 1) == 0);
	MUST(unsetenv("CREDENTIALS_DIRECTORY") == 0);
	path_below("socket", path, sizeof(path));
	listener_address.sun_family = AF_UNIX;
	snprintf(listener_address.sun_path, sizeof(listener_address.sun_path), "%s", path);
	b.listener = sock_listen(path, 0600, 16, &f);
	b.epoll = epoll_create1(EPOLL_CLOEXEC);
	b.signals = -1;
	MUST(b.listener >= 0 && places_watch_other(&b, b.listener, LISTENER_ID) == 0);
	/* Few, so that inputs reach them. */
	b.places_most = 32;
	b.places_uid = 7;
	b.places_marked = 4;
	b.sessions_uid = 4;
	b.fds_connections = 60;
	b.connection = calloc(b.places_most, sizeof(*b.connection));
	MUST(b.connection);
	for (i = 0; i < PROCESSES; i++)
		MUST((process[i].life = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0);
}

/* What clients pass: a socket that listens, a sealed file. */
static void descriptors_prepare(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int on = 1;

	sealed_file = memfd_create("ca", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	MUST(sealed_file >= 0 && write(sealed_file, "-----BEGIN", 10) == 10);
	MUST(fcntl(sealed_file, F_ADD_SEALS,
		   F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
	session_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/relay", fuzz_directory);
	MUST(setsockopt(session_listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	MUST(bind(session_listener, (struct sockaddr *)&name, sizeof(name)) == 0);
	MUST(listen(session_listener, 1) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	unsigned i;

	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	MUST(libsodium_start(NULL) == 0);
	fuzz_directory_make();
	for (i = 0; i < CLIENTS; i++)
		client[i].fd = -1;
	for (i = 0; i < RELAYS; i++)
		relay[i].fd = -1;
	broker_prepare();
	descriptors_prepare();
	return atexit(fuzz_at_exit);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t key[KEY_LEN];
	size_t unlocking;

	memset(key, KEY_BYTE, sizeof(key));
	/* Words that would come back in a refusal, as they were sent. */
	if (n < 1 || n > 4096 || memmem(p, n, SECRET_MARK, strlen(SECRET_MARK)) ||
	    memmem(p, n, key, sizeof(key)))
		return 0;
	fuzz_inputs++;
	if (fuzz_arena_make())
		memory_prepare();
	unlocking = written_n;
	if (p[0] == 'n' || p[0] == 'l') {
		script_run(p + 1, n - 1, p[0] == 'l');
		return 0;
	}
	write_bytes((const char *)p + 1, n - 1);
	script_run(written, written_n, true);
	written_n = unlocking;
	return 0;
}
