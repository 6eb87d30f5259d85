/*
 * tests/mutation/mutant.h - one condition of many negated, chosen while programs run.
 *
 * Included before every file that tests/mutation/run.py has rewritten: there a condition
 * `a` is `mutant_condition(17, a)`.  The map is a file that all programs share: its first
 * word is the number of the condition to negate (0: none), each byte behind is set once the
 * condition of that number has been asked.  One build serves every mutant, and says which
 * tests reach which.
 */
#ifndef TESTS_MUTATION_MUTANT_H
#define TESTS_MUTATION_MUTANT_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define MUTANT_MAP_SIZE 65536 /* bytes */

__attribute__((weak, visibility("hidden"))) unsigned char *mutant_map;

/* Before main, while a program may still open files.  Without the map nothing is negated. */
__attribute__((constructor(101), weak, visibility("hidden"))) void mutant_map_open(void)
{
	int fd = mutant_map ? -1 : open(MUTANT_MAP, O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, MUTANT_MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		mutant_map = p;
}

static inline bool mutant_condition(uint32_t number, bool holds)
{
	volatile unsigned char *map = mutant_map;

	if (!map)
		return holds;
	map[4 + number] = 1;
	return *(volatile uint32_t *)(volatile void *)map == number ? !holds : holds;
}

#endif
