"""Stands in for logind on a private bus; tests/lib/logind.py runs it:

    fake_login1.py ADDRESS LOG

Commands are JSON arrays on standard input, [name, argument ...]; LOG gets a
JSON line for everything that happens, with CLOCK_MONOTONIC, and {"event":
"done"} for each command, when the bus has taken what it sent."""
import json
import os
import sys
import time

import dbus
import dbus.bus
import dbus.lowlevel
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

LOGIN1 = "org.freedesktop.login1"
MANAGER_PATH = "/org/freedesktop/login1"
MANAGER, SESSION, PROPERTIES = LOGIN1 + ".Manager", LOGIN1 + ".Session", "org.freedesktop.DBus.Properties"
BUS, BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"

address, log = sys.argv[1], open(sys.argv[2], "a", buffering=1)
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
loop = GLib.MainLoop()


def note(event, **more):
    log.write(json.dumps({"t": time.monotonic(), "event": event, "pid": os.getpid(), **more}) + "\n")


def path_of(name):
    """As systemd escapes: a digit at the start of a label is written in hex."""
    return f"{MANAGER_PATH}/session/_{ord(name[0]):02x}{name[1:]}"


class Session(dbus.service.Object):
    def __init__(self, bus, name, uid, kind):
        super().__init__(bus, path_of(name))
        self.name, self.uid, self.path = name, uid, dbus.ObjectPath(path_of(name))
        self.values = {"User": dbus.Struct((dbus.UInt32(uid), dbus.ObjectPath(f"{MANAGER_PATH}/user/_{uid}")),
                                           signature="uo"),
                       "Class": kind, "State": "active", "LockedHint": False}

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, _, name):
        return self.values[name]

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, _):
        return self.values

    @dbus.service.signal(PROPERTIES, signature="sa{sv}as")
    def PropertiesChanged(self, interface, changed, invalidated):
        pass

    @dbus.service.signal(SESSION, signature="")
    def Lock(self):
        pass

    @dbus.service.signal(SESSION, signature="")
    def Unlock(self):
        pass


class Manager(dbus.service.Object):
    def __init__(self, bus):
        super().__init__(bus, MANAGER_PATH)
        self.bus, self.sessions, self.count, self.refuse, self.helper = bus, {}, 0, False, None
        self.other = dbus.bus.BusConnection(address)  # somebody else on the bus
        self.add("1", os.getuid(), "user")
        self.add("7", os.getuid() + 1, "user")

    def add(self, name, uid, kind):
        self.sessions[name] = Session(self.bus, name, uid, kind)

    # ---- what logind offers ----

    @dbus.service.method(MANAGER, in_signature="ssss", out_signature="h", sender_keyword="sender")
    def Inhibit(self, what, who, why, mode, sender=None):
        self.helper = sender
        if self.refuse:
            raise dbus.DBusException("permission denied", name="org.freedesktop.DBus.Error.AccessDenied")
        self.count += 1
        number = self.count
        mine, theirs = os.pipe()
        note("inhibit", n=number, what=what, who=who, why=why, mode=mode)
        GLib.io_add_watch(mine, GLib.IO_HUP, lambda *_: self.released(number, mine))
        fd = dbus.types.UnixFd(theirs)
        os.close(theirs)
        return fd

    def released(self, number, fd):
        note("released", n=number)
        os.close(fd)
        return False

    @dbus.service.method(MANAGER, in_signature="", out_signature="a(susso)")
    def ListSessions(self):
        note("listed")
        return dbus.Array([(s.name, dbus.UInt32(s.uid), "user", "seat0", s.path) for s in self.sessions.values()],
                          signature="(susso)")

    @dbus.service.method(MANAGER, in_signature="s", out_signature="o")
    def GetSession(self, name):
        return self.sessions[name].path

    @dbus.service.signal(MANAGER, signature="b")
    def PrepareForSleep(self, going):
        pass

    @dbus.service.signal(MANAGER, signature="so")
    def SessionNew(self, name, path):
        pass

    @dbus.service.signal(MANAGER, signature="so")
    def SessionRemoved(self, name, path):
        pass

    @dbus.service.signal(MANAGER, signature="uo")
    def UserRemoved(self, uid, path):
        pass

    # ---- what a test may tell it ----

    def do_sleep(self, going):
        self.PrepareForSleep(going)

    def do_lock(self, name, times):
        for _ in range(times):
            self.sessions[name].Lock()

    def do_unlock(self, name):
        self.sessions[name].Unlock()

    def do_hint(self, name, value):
        self.sessions[name].values["LockedHint"] = value
        # Not the first of them, and one that nobody asks about.
        self.sessions[name].PropertiesChanged(SESSION, {"IdleHint": True, "LockedHint": value}, ["Active"])

    def do_property(self, name, key, value):
        """Changed, without a signal."""
        self.sessions[name].values[key] = value

    def do_new(self, name, whose, kind):
        """whose: a uid, or is it ours?"""
        self.add(name, os.getuid() + (not whose) if isinstance(whose, bool) else whose, kind)
        self.SessionNew(name, self.sessions[name].path)

    def do_remove(self, name):
        gone = self.sessions.pop(name)
        gone.remove_from_connection()
        self.SessionRemoved(name, gone.path)
        if all(s.uid != gone.uid for s in self.sessions.values()):
            self.UserRemoved(gone.uid, f"{MANAGER_PATH}/user/_{gone.uid}")

    def do_refuse(self, value):
        self.refuse = value

    def do_forge(self, path, interface, member, signature, arguments, to_helper):
        """A signal from somebody else: to everyone, or to the helper alone.
        $me is the forger's name."""
        message = dbus.lowlevel.SignalMessage(path, interface, member)
        arguments = [self.other.get_unique_name() if a == "$me" else a for a in arguments]
        message.append(*arguments, signature=signature)
        if to_helper:
            message.set_destination(self.helper)
        self.other.send_message(message)
        # An answer comes after what was sent before it was taken.
        self.other.call_blocking(BUS, BUS_PATH, BUS, "GetId", "", ())

    def command(self, words):
        getattr(self, "do_" + words[0])(*words[1:])
        self.bus.call_blocking(BUS, BUS_PATH, BUS, "GetId", "", ())
        note("done", command=words)


class Commands:
    def __init__(self, manager):
        self.manager, self.rest = manager, b""
        GLib.io_add_watch(0, GLib.IO_IN | GLib.IO_HUP, self.read)

    def read(self, *_):
        data = os.read(0, 65536)
        if not data:
            loop.quit()
            return False
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.manager.command(json.loads(line))
        return True


connection = dbus.bus.BusConnection(address)
connection.set_exit_on_disconnect(False)
everything = Manager(connection)
everything.other.set_exit_on_disconnect(False)
name_held = dbus.service.BusName(LOGIN1, connection)
Commands(everything)
note("serving")
loop.run()
