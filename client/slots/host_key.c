/*
 * client/slots/host_key.c - this host's key pair: its two files, made and read.
 */
#include "client/slots/host_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/machine_id.h"
#include "client/common/connection.h"
#include "client/common/output.h"
#include "client/common/secret.h"
#include "vault/kdf.h"
#include "vault/crypto.h"

#define HOST_KEY "host.key"
#define HOST_PUB "host.pub"

int host_place_find(struct host_place *w, bool system, struct failure *f)
{
	struct stat st;

	w->system = system;
	w->owner = geteuid();
	if (!system)
		return path_of(PATH_DATA, NULL, w->dir, f);
	if (geteuid() != 0)
		return fail_set(f, FAIL_UNSAFE_PATH, "sudo ccctl host init --system",
				"the system broker's key pair is root's to make");
	snprintf(w->dir, sizeof(w->dir), "%s", SYSTEM_STATE_DIR);
	if (lstat(w->dir, &st) != 0)
		return fail_errno(f, "make install, as root, makes it", "%s", w->dir);
	if (!S_ISDIR(st.st_mode) || st.st_uid == 0 || (st.st_mode & 077))
		return fail_set(f, FAIL_UNSAFE_PATH, "it belongs to the user ccrun, mode 0700",
				"%s is not the system broker's private directory", w->dir);
	w->owner = st.st_uid;
	return 0;
}

static int host_open_place(const struct host_place *w, struct failure *f)
{
	int fd;

	if (!w->system)
		return path_private_dir(w->dir, f);
	fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? fail_errno(f, NULL, "%s", w->dir) : fd;
}

/* A half of a key would be in the way of another one: it gets its name whole. */
static int host_write_new(const struct host_place *w, const char *leaf, mode_t mode, const void *p,
			  size_t n, struct failure *f)
{
	char path[PATH_SIZE + 16];

	snprintf(path, sizeof(path), "%s/%s", w->dir, leaf);
	return io_create_file_for(path, mode, w->owner, p, n, f);
}

void host_name(char out[HOST_NAME_MAX + 1])
{
	if (gethostname(out, HOST_NAME_MAX + 1) != 0 || out[0] == '\0')
		snprintf(out, HOST_NAME_MAX + 1, "host");
	out[HOST_NAME_MAX] = '\0';
}

/* The seed of the pair in dir: HOST_SEED_LEN bytes in the arena. */
static int host_read_seed(struct client *c, int dir, uint8_t *seed, struct failure *f)
{
	struct secret text = { 0 };
	struct stat st;
	ssize_t n;
	int fd, r = -1;

	fd = openat(dir, HOST_KEY, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return fail_set(f, FAIL_NO_ENTRY, "ccctl host init",
				"this host has no key pair yet");
	if (fd < 0)
		return fail_errno(f, NULL, HOST_KEY);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077)) {
		fail_set(f, FAIL_UNSAFE_PATH, "chmod 400 it", HOST_KEY " can be read by others");
	} else if (secret_new(c, &text, HOST_SECRET_TEXT, f) == 0) {
		n = io_read_all(fd, text.p, text.room, clock_now_ms() + 5000);
		r = n < 0 ? fail_errno(f, NULL, HOST_KEY)
			  : host_secret_parse((const char *)text.p, (size_t)n, seed, f);
	}
	close(fd);
	secret_free(c, &text);
	return r;
}

int host_pair_read(struct client *c, const struct host_place *w, uint8_t public[HOST_PUBLIC_LEN],
		   uint8_t *secret, struct failure *f)
{
	char machine[BOUND_LEN];
	struct secret seed = { 0 };
	int dir = host_open_place(w, f), r = -1;

	if (dir < 0)
		return -1;
	machine_id_read(machine, sizeof(machine));
	if (secret_new(c, &seed, HOST_SEED_LEN, f) == 0 && host_read_seed(c, dir, seed.p, f) == 0) {
		host_pair(seed.p, machine, public, secret);
		r = 0;
	}
	secret_free(c, &seed);
	close(dir);
	return r;
}

int host_read(struct client *c, uint8_t public[HOST_PUBLIC_LEN], uint8_t *secret, struct failure *f)
{
	struct host_place w;

	return host_place_find(&w, false, f) != 0 ? -1 : host_pair_read(c, &w, public, secret, f);
}

int host_read_public(const char *file, uint8_t public[HOST_PUBLIC_LEN],
		     char name[HOST_NAME_MAX + 1], struct failure *f)
{
	char *text;
	size_t n;
	int r;

	if (io_slurp(file, HOST_PUBLIC_TEXT, &text, &n, f) != 0)
		return -1;
	r = host_public_parse(text, n, public, name, f);
	free(text);
	return r;
}

int host_pair_make(struct client *c, const struct host_place *w, char public_text[HOST_PUBLIC_TEXT],
		   struct failure *f)
{
	char machine[BOUND_LEN], name[HOST_NAME_MAX + 1];
	struct secret seed = { 0 }, secret = { 0 }, text = { 0 };
	uint8_t public[HOST_PUBLIC_LEN];
	int dir = host_open_place(w, f), r = -1;

	if (dir < 0)
		return -1;
	machine_id_read(machine, sizeof(machine));
	if (faccessat(dir, HOST_KEY, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		fail_set(f, FAIL_EXISTS, w->system ? "ccctl host show --system" : "ccctl host show",
			 "this host has a key pair already: %s/" HOST_KEY, w->dir);
		goto out;
	}
	if (secret_new(c, &seed, HOST_SEED_LEN, f) != 0 ||
	    secret_new(c, &secret, HOST_SEED_LEN, f) != 0 ||
	    secret_new(c, &text, HOST_SECRET_TEXT, f) != 0)
		goto out;
	random_fill(seed.p, HOST_SEED_LEN);
	host_pair(seed.p, machine, public, secret.p);
	host_secret_format(seed.p, (char *)text.p);
	host_name(name);
	host_public_format(public, name, public_text);
	/* A public key whose secret key is gone is of no use. */
	unlinkat(dir, HOST_PUB, 0);
	if (host_write_new(w, HOST_PUB, 0444, public_text, strlen(public_text), f) != 0 ||
	    host_write_new(w, HOST_KEY, 0400, text.p, strlen((const char *)text.p), f) != 0)
		goto out;
	if (machine[0] == '\0')
		say("note: there is no /etc/machine-id: the key pair is not tied to this machine");
	say("made the host's key pair in %s", w->dir);
	r = 0;
out:
	secret_free(c, &seed);
	secret_free(c, &secret);
	secret_free(c, &text);
	close(dir);
	return r;
}
