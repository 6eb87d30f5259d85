"""Who asks for a passphrase is the pinentry that ccctl runs, and nobody hears it: not who owns
a name on the session bus (any program of the user's, also one that a session left behind), nor who
listens for what pinentry-emacs asks, nor what is told each key for the sake of accessibility."""
import json
import os

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


@pytest.mark.parametrize("wayland", ["wayland-7", "/somewhere/wayland-7"])
def test_a_pinentry_finds_no_bus_and_no_emacs(c, wayland):
    said = c.home / "said"
    by_pinentry(c, c.write("pinentry", LOOKS.format(said=str(said), passphrase=PASSPHRASE), 0o755))
    with Bus(c) as bus:
        r = c.ccctl("unlock", person=False, env={**bus.env, "WAYLAND_DISPLAY": wayland, **off("pinentry-owner")})
    assert r.rc == 0, r
    found = json.loads(said.read_text())
    assert found["bus"] is None, found
    assert found["env"]["WAYLAND_DISPLAY"] == os.path.join(c.runtime, wayland)
    for name in ("XDG_RUNTIME_DIR", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        assert not os.path.exists(found["env"][name]), name
    assert found["env"]["AT_SPI_BUS_ADDRESS"] == "unix:path=/nonexistent" and found["env"]["NO_AT_BRIDGE"] == "1"
