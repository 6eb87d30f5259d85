"""A private session bus with a Secret Service on it, and ccrun-keyring run there.

    with World() as w, SecretService(w) as s:
        helper(s, "store", VAULT, 7, send=b"key")        # a Reply: kind, payload, seconds
        s.lock()
        assert helper(s, "fetch", VAULT, 7).name == "locked"

SecretService is the real gnome-keyring-daemon; Standin (keyring_standin.py) one
that misbehaves; Bus has nobody on it.  Their .env goes to whatever shall see them.
"""
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import dbus

from ccrun import BUILD
from client import until

KEYRING = BUILD / "libexec/ccrun/ccrun-keyring"
STANDIN = Path(__file__).with_name("keyring_standin.py")
NAME, ROOT = "org.freedesktop.secrets", "/org/freedesktop/secrets"
SERVICE, COLLECTION, ITEM = (f"org.freedesktop.Secret.{kind}" for kind in ("Service", "Collection", "Item"))
LOGIN = ROOT + "/collection/login"
SCHEMA = "org.ccrun.VaultKey"

# No service directories: nothing starts itself on this bus.
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/><allow user="*"/></policy></busconfig>
"""


# ---- the helper ----

@dataclass
class Reply:
    kind: str          # 'k', 'f', or '' when it ended without a word
    payload: bytes     # of a 'k'
    name: str          # of an 'f': the failure's wire name
    what: str
    hint: str
    seconds: float
    rc: int
    out: str           # what it printed, which is to be nothing


class Running:
    """ccrun-keyring at work; where: a World, or a Bus or what derives from it.
    before: words in front of the program (prlimit ...).  env: more variables."""

    def __init__(self, where, *argv, send=None, env=None, before=()):
        world = getattr(where, "world", where)
        more = {**({} if world is where else where.env), **(env or {})}
        self.start = time.monotonic()
        self.mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = [*before, KEYRING, *argv]
        # The shell puts the socket on descriptor 3 and becomes the program.
        n = theirs.fileno()
        if send is not None:
            self.mine.send(send)
        script = 'exec "$@"' if n == 3 else f'exec "$@" 3<&{n} {n}<&-'
        self.proc = world.popen(["bash", "-c", script, "bash", *words], more, pass_fds=[n],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        theirs.close()

    def reply(self, timeout=60):
        with self.mine:
            self.mine.settimeout(timeout)
            try:
                packet = self.mine.recv(65536)
            except ConnectionResetError:
                packet = b""
            out = self.proc.communicate(timeout=timeout)[0].decode()
        kind, payload = packet[:1].decode(), packet[1:]
        name, what, hint = payload.decode().split("\0")[:3] if kind == "f" else ("", "", "")
        return Reply(kind, payload, name, what, hint, time.monotonic() - self.start, self.proc.returncode, out)


def helper(where, *argv, timeout=60, **kw):
    """Run it to the end; see Running."""
    return Running(where, *argv, **kw).reply(timeout)


# ---- who is on the bus ----

class Bus:
    """dbus-daemon at a private address."""

    def __init__(self, world):
        self.world = world
        self.path = world.runtime / "bus"
        # DISPLAY away: neither a dialog nor an X11 autolaunch.
        self.env = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.path}", "DISPLAY": None,
                    "WAYLAND_DISPLAY": None, "XDG_RUNTIME_DIR": str(world.runtime)}
        config = world.write(world.runtime / "bus.conf", CONFIG.format(path=self.path))
        self.daemon = self.start(["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"])
        self.conn = until(self.connect, what="the bus")

    def start(self, argv, **kw):
        kw.setdefault("stdout", subprocess.DEVNULL)
        return self.world.popen(argv, self.env, stderr=subprocess.DEVNULL, **kw)

    def connect(self):
        try:
            return dbus.bus.BusConnection(self.env["DBUS_SESSION_BUS_ADDRESS"])
        except dbus.DBusException:
            return None

    def served(self):
        return self.conn.name_has_owner(NAME)

    def owner(self):
        """The pid of whoever is the Secret Service, or None."""
        try:
            return int(self.conn.call_blocking(dbus.BUS_DAEMON_NAME, dbus.BUS_DAEMON_PATH, dbus.BUS_DAEMON_IFACE,
                                               "GetConnectionUnixProcessID", "s", (NAME,)))
        except dbus.DBusException:
            return None

    def call(self, path, interface, method, *args):
        return self.conn.get_object(NAME, path, introspect=False).get_dbus_method(method, interface)(*args)

    def get(self, path, interface, prop):
        return self.call(path, dbus.PROPERTIES_IFACE, "Get", interface, prop)

    def locked(self):
        return bool(self.get(LOGIN, COLLECTION, "Locked"))

    def has_login_keyring(self):
        return LOGIN in self.get(ROOT, SERVICE, "Collections")

    def end(self, proc, how=signal.SIGTERM):
        if proc and proc.poll() is None:
            proc.send_signal(how)
        if proc:
            proc.wait(20)

    def stop(self):
        self.conn.close()
        self.end(self.daemon)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


class SecretService(Bus):
    """gnome-keyring-daemon, its login keyring unlocked with the password
    (None: a first start without one, so that there is no keyring yet)."""

    def __init__(self, world, password="letmein"):
        super().__init__(world)
        self.keyring = None
        self.serve(password)

    def serve(self, password, more=()):
        argv = ["gnome-keyring-daemon", "--foreground", "--components=secrets", *more]
        if password is None:
            self.keyring = self.start(argv)
        else:
            self.keyring = self.start([*argv, "--unlock"], stdin=subprocess.PIPE)
            self.keyring.stdin.write(password.encode())
            self.keyring.stdin.close()
        pid = self.keyring.pid
        until(lambda: self.owner() == pid, what="the Secret Service")
        # The name is there before the login keyring is.
        if password is not None:
            until(self.has_login_keyring, what="the login keyring")

    def lock(self):
        self.call(ROOT, SERVICE, "Lock", dbus.Array([dbus.ObjectPath(LOGIN)], signature="o"))
        until(self.locked, what="a locked keyring")

    def unlock(self, password):
        """What a person does in a dialog; a wrong password leaves it locked."""
        old = self.keyring
        self.serve(password, ["--replace"])
        self.end(old)

    def kill(self, how=signal.SIGKILL):
        self.end(self.keyring, how)
        until(lambda: not self.served(), what="nobody on the bus")

    # ---- items, past the helper ----

    def paths(self, vault=None, slot=None):
        want = {"xdg:schema": SCHEMA, **({"vault": vault, "slot": str(slot)} if vault else {})}
        unlocked, locked = self.call(ROOT, SERVICE, "SearchItems", dbus.Dictionary(want, signature="ss"))
        return [*unlocked, *locked]

    def items(self):
        """Of our schema: [(label, attributes)]."""
        return [(str(self.get(p, ITEM, "Label")),
                 {str(k): str(v) for k, v in self.get(p, ITEM, "Attributes").items()}) for p in self.paths()]

    def delete(self, vault, slot):
        for path in self.paths(vault, slot):
            self.call(path, ITEM, "Delete")

    def secret(self, value):
        session = self.call(ROOT, SERVICE, "OpenSession", "plain", dbus.String("", variant_level=1))[1]
        return dbus.Struct([session, dbus.ByteArray(b""), dbus.ByteArray(value), "text/plain"], signature="oayays")

    def set_secret(self, vault, slot, value):
        for path in self.paths(vault, slot):
            self.call(path, ITEM, "SetSecret", self.secret(value))

    def add(self, vault, slot, value, collection=LOGIN):
        """One more item with the same attributes."""
        attributes = dbus.Dictionary({"xdg:schema": SCHEMA, "vault": vault, "slot": str(slot)}, signature="ss")
        props = dbus.Dictionary({ITEM + ".Label": "another", ITEM + ".Attributes": attributes}, signature="sv")
        return self.call(collection, COLLECTION, "CreateItem", props, self.secret(value), False)[0]

    def stop(self):
        self.end(self.keyring)
        super().stop()


class Standin(Bus):
    """keyring_standin.py with that behaviour in place of a Secret Service."""

    def __init__(self, world, *behaviour):
        super().__init__(world)
        self.log = world.tmp / "standin.log"
        with open(self.log, "w") as out:
            self.standin = self.start([sys.executable, STANDIN, *behaviour], stdout=out)
        until(self.served, what="the stand-in")

    def calls(self):
        """The methods that were called, in order."""
        return self.log.read_text().split()

    def wait_for(self, method):
        until(lambda: method in self.calls(), what=f"a call of {method}")

    def stop(self):
        self.end(self.standin, signal.SIGKILL)
        super().stop()


def HangingService(world, method="*"):
    """Owns the name and never answers (method: but for the calls before it)."""
    return Standin(world, "--hang", method)


def DismissingService(world):
    """A locked keyring whose dialog is always dismissed."""
    return Standin(world, "--locked", "--prompt", "dismiss")


def bare_socket(path):
    """A listener that never accepts: a bus that hangs."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(str(path))
    os.chmod(path, 0o666)
    s.listen(8)
    return s
