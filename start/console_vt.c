/*
 * start/console_vt.c - what the kernel says of a text console.
 */
#include "start/console_vt.h"

#include <sys/ioctl.h>

#define CONSOLES 4 /* the major number, as of serial lines, whose minor numbers are higher */
#define CONSOLE_LAST 63

/* ioctl_console(2), linux/kd.h and linux/vt.h, which musl's compiler does not find. */
#define KDGETMODE 0x4b3b
#define KD_TEXT 0
#define KDGKBMODE 0x4b44
#define K_OFF 4
#define VT_GETMODE 0x5601
#define VT_AUTO 0
struct vt_mode {
	char mode, wait_for_write;
	short release_signal, acquire_signal, from_signal;
};

unsigned console_vt(int fd)
{
	unsigned n = 0;

	if (ioctl(fd, TIOCGDEV, &n) != 0 || n >> 8 != CONSOLES || (n & 0xff) > CONSOLE_LAST)
		return 0;
	return n & 0xff;
}

bool console_vt_is_usual(int fd)
{
	struct vt_mode switching;
	int screen, keys;

	/* What cannot be asked is left to logind's files. */
	return (ioctl(fd, KDGETMODE, &screen) != 0 || screen == KD_TEXT) &&
	       (ioctl(fd, KDGKBMODE, &keys) != 0 || keys != K_OFF) &&
	       (ioctl(fd, VT_GETMODE, &switching) != 0 || switching.mode == VT_AUTO);
}

const char *console_log_ins(void)
{
	return "/run/systemd/sessions";
}
