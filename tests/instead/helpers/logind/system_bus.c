/*
 * tests/instead/helpers/logind/system_bus.c - the bus that DBUS_SYSTEM_BUS_ADDRESS names:
 * one of the test's, with a logind that the test plays.
 */
#include "helpers/logind/system_bus.h"

int system_bus_open(sd_bus **bus)
{
	return sd_bus_open_system(bus);
}
