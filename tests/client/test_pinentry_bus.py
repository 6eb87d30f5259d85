"""pinentry-gnome3 has whoever owns a name on the session bus ask for it: any program of the
user's, also one that a session left behind.  So ours is told of no bus, and asks itself."""
import os

import pytest

from ccrun import CCCTL, PASSPHRASE
from dialogue import done, talk
from keyring import Bus

GNOME = "/usr/bin/pinentry-gnome3"
PROMPTER = "org.gnome.keyring.SystemPrompter"

pytestmark = [pytest.mark.usefixtures("ordinary_user"),
              pytest.mark.skipif(not os.path.exists(GNOME), reason="pinentry-gnome3 is not installed")]


def test_who_owns_the_prompters_name_is_not_asked_to_ask(c):
    c.init()
    assert c.ccctl("lock").rc == 0
    c.write(c.config / "ccrun/ccrun.conf", f"[ccrun]\npinentry = {GNOME}\n", 0o600)
    (c.config / "ccrun").chmod(0o700)
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
