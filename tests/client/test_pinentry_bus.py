"""Who asks for a passphrase is the pinentry that ccctl runs, and nobody hears it: not who owns
a name on the session bus (any program of the user's, also one that a session left behind), nor who
listens for what pinentry-emacs asks, nor what is told each key for the sake of accessibility."""
import json
import os
import subprocess
import sys

import pytest

from ccrun import CCCTL, PASSPHRASE
from controls import off
from dialogue import done, talk
from keyring import Bus

GNOME = "/usr/bin/pinentry-gnome3"
PROMPTER = "org.gnome.keyring.SystemPrompter"

# It looks for the bus as GTK's and Qt's libraries do, and says what it found.
LOOKS = """#!/usr/bin/python3
import dbus, json, os, sys
print("OK", flush=True)
for line in sys.stdin:
    if line.startswith("GETPIN"):
        try:
            bus = dbus.bus.BusConnection.get_unique_name(dbus.SessionBus())
        except dbus.DBusException as e:
            bus = None
        if "WAYLAND_SOCKET" in os.environ:
            os.write(int(os.environ["WAYLAND_SOCKET"]), b"a window")
        with open({said!r}, "w") as f:
            json.dump({{"bus": bus, "env": dict(os.environ)}}, f)
        print("D " + {passphrase!r}, flush=True)
    print("OK", flush=True)
    if line.startswith("BYE"):
        break
"""

pytestmark = pytest.mark.usefixtures("ordinary_user")


def by_pinentry(c, program):
    c.init()
    assert c.ccctl("lock").rc == 0
    c.write(c.config / "ccrun/ccrun.conf", f"[ccrun]\npinentry = {program}\n", 0o600)
    (c.config / "ccrun").chmod(0o700)


@pytest.mark.skipif(not os.path.exists(GNOME), reason="pinentry-gnome3 is not installed")
def test_who_owns_the_prompters_name_is_not_asked_to_ask(c):
    by_pinentry(c, GNOME)
    with Bus(c) as bus:
        bus.conn.request_name(PROMPTER)
        assert bus.conn.name_has_owner(PROMPTER)
        # DISPLAY: on a terminal alone this pinentry would never ask by the bus
        p = talk(c, CCCTL, "unlock", env={**bus.env, "DISPLAY": ":987", "TERM": "vt100"})
        p.expect("Passphrase for your vault")
        assert p.waitnoecho(10)
        p.send(PASSPHRASE + "\r")
        p.expect("the vault is open")
        done(p)


@pytest.fixture
def looking(c):
    """ccctl unlock by a pinentry that LOOKS; what came of it, and what that found."""
    said = c.home / "said"
    by_pinentry(c, c.write("pinentry", LOOKS.format(said=str(said), passphrase=PASSPHRASE), 0o755))

    def unlock(env, bus=None):
        r = c.ccctl("unlock", person=False, env={**(bus.env if bus else {}), **env, **off("pinentry-owner")})
        return r, json.loads(said.read_text()) if said.exists() else None
    return unlock


def test_a_pinentry_finds_no_bus_and_no_emacs(c, looking):
    with Bus(c) as bus:
        r, found = looking({"DISPLAY": ":987"}, bus)
    assert r.rc == 0, r
    assert found["bus"] is None, found
    for name in ("XDG_RUNTIME_DIR", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        assert not os.path.exists(found["env"][name]), name
    assert found["env"]["AT_SPI_BUS_ADDRESS"] == "unix:path=/nonexistent" and found["env"]["NO_AT_BRIDGE"] == "1"
    assert "WAYLAND_DISPLAY" not in found["env"] and "WAYLAND_SOCKET" not in found["env"]


# ---- the compositor ----

# Whoever listens is asked: argv[2] "marked", as what a session left behind is.
LISTENS = """
import resource, socket, sys, time
if sys.argv[2] == "marked":
    resource.setrlimit(10, (4096, 4096))
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
print("listens", flush=True)
t, _ = s.accept()
print(t.recv(100).decode(), flush=True)
"""


@pytest.fixture
def compositor(c):
    """A process that listens as one."""
    started = []

    def start(how, name="wayland-7"):
        path = c.runtime / name
        path.unlink(missing_ok=True)
        started.append(subprocess.Popen([sys.executable, "-c", LISTENS, path, how], stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "listens\n"
        return started[-1]
    yield start
    for p in started:
        p.kill()
        p.wait()
        p.stdout.close()


@pytest.mark.parametrize("whole", [False, True])
def test_a_pinentry_is_given_the_connection_to_the_compositor(c, looking, compositor, whole):
    p = compositor("unmarked")
    name = str(c.runtime / "wayland-7") if whole else "wayland-7"
    r, found = looking({"WAYLAND_DISPLAY": name, "XDG_RUNTIME_DIR": str(c.runtime)})
    assert r.rc == 0, r
    assert found["env"]["WAYLAND_DISPLAY"] == str(c.runtime / "wayland-7")
    assert p.stdout.readline() == "a window\n"


def test_no_window_is_opened_where_a_session_s_program_listens(c, looking, compositor):
    p = compositor("marked")
    r, found = looking({"WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": str(c.runtime)})
    assert r.rc != 0 and f"process {p.pid} listens as the compositor, and descends from a session" in r.err, r
    assert found is None
    assert c.status()["state"] == "locked"
