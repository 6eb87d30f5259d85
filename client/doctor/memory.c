/*
 * client/doctor/memory.c - checks: what keeps memory out of the disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/doctor/checks.h"
#include "client/facts/machine_file.h"
#include "client/facts/machine_text.h"
#include "vault/arena.h"

#define SWAPS_MAX 16384
#define SWAP_NAME 256

void check_memory_lock(struct checkup *d)
{
	struct failure f = { 0 };
	struct arena *a;

	/* A broker that runs has its own, and says so. */
	if (d->broker.running)
		return;
	a = arena_new(ARENA_DEFAULT, &f);
	if (!a)
		found_failure(d, CHECK_BROKEN, &f, NULL);
	else if (arena_size(a) < ARENA_DEFAULT)
		found_advice(d, "raise RLIMIT_MEMLOCK (ulimit -l 1024)",
			     "no more than %zu KiB can be locked, which is enough for few keys",
			     arena_size(a) / 1024);
	else
		found_ok(d, "%zu KiB can be locked", arena_size(a) / 1024);
	arena_free(a);
}

/* Is the device memory itself, or does the kernel encrypt it? */
static bool swap_is_safe(const char *device)
{
	char path[MACHINE_PATH], target[MACHINE_PATH], uuid[SWAP_NAME];
	const char *leaf;

	/* /dev/mapper/NAME is a link to /dev/dm-N. */
	leaf = strrchr(realpath(machine_file_path(device, path), target) ? target : device, '/');
	leaf = leaf ? leaf + 1 : device;
	if (strncmp(leaf, "zram", 4) == 0)
		return true;
	snprintf(path, sizeof(path), "/sys/block/%.64s/dm/uuid", leaf);
	return machine_text_read(path, uuid, sizeof(uuid)) && strncmp(uuid, "CRYPT-", 6) == 0;
}

/* The next device of /proc/swaps that can keep what is written to it (zram cannot).  NULL: no
 * more. */
static const char *swap_next(char **at, char device[SWAP_NAME])
{
	char *line;

	while ((line = strsep(at, "\n")) != NULL) {
		if (line[0] != '/')
			continue; /* the heading */
		snprintf(device, SWAP_NAME, "%.*s", (int)strcspn(line, " \t"), line);
		if (!strstr(device, "/zram"))
			return device;
	}
	return NULL;
}

void check_swap(struct checkup *d)
{
	char text[SWAPS_MAX], device[SWAP_NAME], *at = text;
	unsigned n = 0;

	if (!machine_text_read("/proc/swaps", text, sizeof(text)))
		return;
	while (swap_next(&at, device)) {
		n++;
		if (!swap_is_safe(device))
			found_advice(
				d,
				"encrypt it (crypttab(5): swap, with a new key at each boot), "
				"or take zram",
				"%s is not encrypted: keys are never written there, what claude "
				"and a model say to each other can be",
				device);
	}
	if (!found_any(d))
		found_ok(d, n ? "it is encrypted" : "there is none on a disk");
}

/* Can the machine write all of its memory to a disk, and to which that is not encrypted? */
static bool machine_hibernates(char device[SWAP_NAME])
{
	char text[SWAPS_MAX], *at = text;

	if (!machine_text_read("/sys/power/state", text, sizeof(text)) || !strstr(text, "disk") ||
	    !machine_text_read("/sys/power/disk", text, sizeof(text)) || strstr(text, "[disabled]"))
		return false;
	if (!machine_text_read("/proc/swaps", text, sizeof(text)))
		return false;
	while (swap_next(&at, device))
		if (!swap_is_safe(device))
			return true;
	return false;
}

void check_hibernation(struct checkup *d)
{
	char device[SWAP_NAME];

	if (!machine_hibernates(device)) {
		found_ok(d, "no memory goes to a disk that is not encrypted");
		return;
	}
	if (d->broker.running && !d->broker.watched)
		found_broken(d,
			     "encrypt the swap, or turn it off: as root systemctl mask "
			     "hibernate.target hybrid-sleep.target",
			     "hibernation writes all memory to %s, which is not encrypted, the "
			     "keys too: nothing locks the vault before",
			     device);
	else
		found_advice(d,
			     "encrypt the swap, or turn it off: as root systemctl mask "
			     "hibernate.target hybrid-sleep.target",
			     "hibernation writes all memory to %s, which is not encrypted; the "
			     "vault is locked before, but for keys with keep = yes",
			     device);
}
