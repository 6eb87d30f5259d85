/*
 * client/common/terminal_held.h - whether somebody had this process stand still, as the kernel's
 * freezer does, of which no signal tells.
 */
#ifndef CLIENT_COMMON_TERMINAL_HELD_H
#define CLIENT_COMMON_TERMINAL_HELD_H

#include <stdbool.h>
#include <stdint.h>

struct terminal_held {
	int64_t looked, waited; /* the last look, and the wait for a processor till then, in ms */
};

/* Begin to look. */
void terminal_held_begin(struct terminal_held *h);

/*
 * Did this thread stand still since the last look, for over a second and a half, neither for
 * want of a processor nor because the machine slept?  To be asked at least once a second.
 */
bool terminal_held_look(struct terminal_held *h);

#endif
