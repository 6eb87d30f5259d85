"""Stands in for a user's service manager on a private bus:

    fake_systemd1.py ADDRESS LOG

LOG gets a JSON line for each scope that is asked for.  Commands on standard input:
`refuse`, from then on."""
import json
import os
import sys

import dbus
import dbus.bus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

SYSTEMD1 = "org.freedesktop.systemd1"

address, log = sys.argv[1], open(sys.argv[2], "a", buffering=1)
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
loop = GLib.MainLoop()


def note(event, **more):
    log.write(json.dumps({"event": event, **more}) + "\n")


class Manager(dbus.service.Object):
    refuse = False

    @dbus.service.method(SYSTEMD1 + ".Manager", in_signature="ssa(sv)a(sa(sv))", out_signature="o")
    def StartTransientUnit(self, name, mode, properties, _):
        values = {str(k): v for k, v in properties}
        note("scope", name=str(name), mode=str(mode), pids=sorted({int(p) for p in values["PIDs"]}))
        if self.refuse:
            raise dbus.DBusException("not here", name="org.freedesktop.DBus.Error.AccessDenied")
        return dbus.ObjectPath("/org/freedesktop/systemd1/job/1")


def read(*_):
    data = os.read(0, 65536)
    if not data:
        loop.quit()
        return False
    manager.refuse = True
    note("told")
    return True


connection = dbus.bus.BusConnection(address)
connection.set_exit_on_disconnect(False)
manager = Manager(connection, "/org/freedesktop/systemd1")
name_held = dbus.service.BusName(SYSTEMD1, connection)
GLib.io_add_watch(0, GLib.IO_IN | GLib.IO_HUP, read)
note("serving")
loop.run()
