/*
 * helpers/logind/system_bus.c - the machine's system bus, and no other.
 *
 * MUST: no variable chooses it.  On a bus of somebody else's no screen is ever locked.
 * Alone in its file, which the test build replaces (tests/instead/helpers/logind/system_bus.c).
 */
#include "helpers/logind/system_bus.h"

#include <errno.h>
#include <stdlib.h>

int system_bus_open(sd_bus **bus)
{
	if (unsetenv("DBUS_SYSTEM_BUS_ADDRESS") != 0)
		return -errno;
	return sd_bus_open_system(bus);
}
