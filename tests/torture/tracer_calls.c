/*
 * tests/torture/tracer_calls.c - what a call does to files.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/torture/tracer.h"

#define DATA_MAX (1 << 20)

static bool opens_to_change(uint64_t flags)
{
	return flags & (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY));
}

bool call_creates(const struct seccomp_data *d)
{
#ifdef SYS_open
	if (d->nr == SYS_open)
		return d->args[1] & O_CREAT;
#endif
	return d->nr == SYS_openat && (d->args[2] & O_CREAT);
}

bool call_changes_files(const struct seccomp_data *d)
{
	switch (d->nr) {
#ifdef SYS_open
	case SYS_open:
		return opens_to_change(d->args[1]);
	case SYS_creat:
	case SYS_rename:
	case SYS_link:
	case SYS_symlink:
	case SYS_unlink:
	case SYS_mkdir:
	case SYS_rmdir:
	case SYS_chmod:
#endif
	case SYS_write:
	case SYS_writev:
	case SYS_pwrite64:
	case SYS_pwritev:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_linkat:
	case SYS_symlinkat:
	case SYS_unlinkat:
	case SYS_mkdirat:
	case SYS_truncate:
	case SYS_ftruncate:
	case SYS_fallocate:
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_msync:
	case SYS_fchmod:
	case SYS_fchmodat:
	case SYS_fchown:
	case SYS_fchownat:
	case SYS_copy_file_range:
	case SYS_sendfile:
	case SYS_sendmsg:
	case SYS_sendto:
	case SYS_exit_group:
		return true;
	case SYS_openat:
		return opens_to_change(d->args[2]);
	}
	return false;
}

/* ---- reading the process ---- */

size_t memory_read(pid_t process, uint64_t at, void *p, size_t n)
{
	struct iovec mine = { p, n };
	struct iovec theirs = { (void *)(uintptr_t)at, n };
	ssize_t r = process_vm_readv(process, &mine, 1, &theirs, 1, 0);

	return r < 0 ? 0 : (size_t)r;
}

/* A string, by pages: the next page may not be there. */
static void string_read(pid_t process, uint64_t at, char *p, size_t size)
{
	size_t n = 0, part;

	while (n < size - 1) {
		part = 4096 - ((at + n) & 4095);
		part = part < size - 1 - n ? part : size - 1 - n;
		part = memory_read(process, at + n, p + n, part);
		if (part == 0 || memchr(p + n, '\0', part)) {
			n += part;
			break;
		}
		n += part;
	}
	p[n] = '\0';
}

static void link_read(pid_t process, const char *what, char out[PATH_MAX])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)process, what);
	n = readlink(path, out, PATH_MAX - 1);
	out[n > 0 ? n : 0] = '\0';
}

static void path_read(pid_t process, int64_t dir, uint64_t at, char out[PATH_MAX])
{
	char name[PATH_MAX / 2], what[32];
	size_t n;

	string_read(process, at, name, sizeof(name));
	if (name[0] == '/') {
		strcpy(out, name);
		return;
	}
	snprintf(what, sizeof(what), (int)dir == AT_FDCWD ? "cwd" : "fd/%d", (int)dir);
	link_read(process, what, out);
	n = strlen(out);
	snprintf(out + n, PATH_MAX - n, "/%s", name);
}

/* "DEV:INO TAB path" of a descriptor; false: it is no file or directory. */
static bool file_describe(pid_t process, int fd, char *out, size_t size)
{
	char what[64], path[PATH_MAX];
	struct stat st;

	snprintf(what, sizeof(what), "/proc/%d/fd/%d", (int)process, fd);
	if (stat(what, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return false;
	link_read(process, what + strlen("/proc/") + (size_t)snprintf(NULL, 0, "%d/", process),
		  path);
	snprintf(out, size, "%lx:%lx\t%s", (unsigned long)st.st_dev, (unsigned long)st.st_ino,
		 path);
	return true;
}

/* Where the next write goes; -1: to the end, wherever that is then. */
static long long file_position(pid_t process, int fd)
{
	char path[64], text[256] = "";
	long long at = 0;
	unsigned flags = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)process, fd);
	f = fopen(path, "re");
	if (f) {
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
	}
	sscanf(text, "pos:\t%lld\nflags:\t%o", &at, &flags);
	return flags & O_APPEND ? -1 : at;
}

static void data_log(FILE *out, pid_t process, uint64_t at, uint64_t n)
{
	unsigned char *data = malloc(DATA_MAX);
	size_t i;

	n = data ? memory_read(process, at, data, n < DATA_MAX ? n : DATA_MAX) : 0;
	for (i = 0; i < n; i++)
		fprintf(out, "%02x", data[i]);
	free(data);
}

/* ---- the lines ---- */

/* The calls that are about names: which arguments are their directories (-1: none) and names. */
static const struct named {
	long nr;
	const char *what;
	int dir[2], name[2];
} named[] = {
#ifdef SYS_open
	{ SYS_rename, "rename", { -1, -1 }, { 0, 1 } },
	{ SYS_link, "link", { -1, -1 }, { 0, 1 } },
	{ SYS_symlink, "symlink", { -1, -1 }, { 0, 1 } }, /* to a whole path, as we make them */
	{ SYS_unlink, "unlink", { -1 }, { 0, -1 } },
	{ SYS_rmdir, "rmdir", { -1 }, { 0, -1 } },
	{ SYS_mkdir, "mkdir", { -1 }, { 0, -1 } },
#endif
	{ SYS_renameat, "rename", { 0, 2 }, { 1, 3 } },
	{ SYS_renameat2, "rename", { 0, 2 }, { 1, 3 } },
	{ SYS_linkat, "link", { 0, 2 }, { 1, 3 } },
	{ SYS_symlinkat, "symlink", { -1, 1 }, { 0, 2 } },
	{ SYS_unlinkat, "unlink", { 0 }, { 1, -1 } },
	{ SYS_mkdirat, "mkdir", { 0 }, { 1, -1 } },
};

/* True: it is one of these. */
static bool names_log(FILE *out, pid_t p, const struct seccomp_data *d)
{
	const struct named *c = named, *end = named + sizeof(named) / sizeof(named[0]);
	char path[PATH_MAX];
	int i;

	while (c < end && c->nr != d->nr)
		c++;
	if (c == end)
		return false;
	fputs(d->nr == SYS_unlinkat && (d->args[2] & AT_REMOVEDIR) ? "rmdir" : c->what, out);
	for (i = 0; i < 2 && c->name[i] >= 0; i++) {
		path_read(p, c->dir[i] < 0 ? AT_FDCWD : (int64_t)d->args[c->dir[i]],
			  d->args[c->name[i]], path);
		fprintf(out, "\t%s", path);
	}
	fputc('\n', out);
	return true;
}

static void open_log(FILE *out, pid_t p, int64_t dir, uint64_t at, uint64_t flags)
{
	char path[PATH_MAX];

	path_read(p, dir, at, path);
	fprintf(out, "open\t%s\t%s%s\n", path, flags & O_EXCL ? "x" : "",
		flags & O_TRUNC ? "t" : "-");
}

static void write_log(FILE *out, pid_t p, const struct seccomp_data *d)
{
	char file[PATH_MAX + 64];
	int fd = (int)d->args[0];

	if (!file_describe(p, fd, file, sizeof(file))) {
		fputs("send\n", out);
		return;
	}
	fprintf(out, "write\t%s\t%lld\t", file,
		d->nr == SYS_pwrite64 ? (long long)d->args[3] : file_position(p, fd));
	data_log(out, p, d->args[1], d->args[2]);
	fputc('\n', out);
}

static void descriptor_log(FILE *out, const char *what, pid_t p, const struct seccomp_data *d)
{
	char file[PATH_MAX + 64];

	if (file_describe(p, (int)d->args[0], file, sizeof(file)))
		fprintf(out, "%s\t%s\t%lld\n", what, file, (long long)d->args[1]);
}

void call_log(FILE *out, const struct seccomp_notif *n, pid_t p)
{
	const struct seccomp_data *d = &n->data;

	if (names_log(out, p, d))
		return;
	switch (d->nr) {
#ifdef SYS_open
	case SYS_open:
		open_log(out, p, AT_FDCWD, d->args[0], d->args[1]);
		break;
	case SYS_chmod:
#endif
	case SYS_fchmod:
	case SYS_fchmodat:
	case SYS_fchown:
	case SYS_fchownat:
	case SYS_exit_group:
		break;
	case SYS_openat:
		open_log(out, p, (int64_t)d->args[0], d->args[1], d->args[2]);
		break;
	case SYS_write:
	case SYS_pwrite64:
		write_log(out, p, d);
		break;
	case SYS_ftruncate:
		descriptor_log(out, "truncate", p, d);
		break;
	case SYS_fsync:
	case SYS_fdatasync:
		descriptor_log(out, "sync", p, d);
		break;
	case SYS_sendmsg:
	case SYS_sendto:
		fputs("send\n", out);
		break;
	default:
		fprintf(out, "unknown\t%d\n", d->nr);
	}
}
