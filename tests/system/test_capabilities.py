"""A log-in that has a capability, as systemd 254 and later give who logs in at a seat CAP_WAKE_ALARM."""
import os
import subprocess

import pytest

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="a capability to give")]


def test_a_log_in_at_a_seat_that_gave_a_capability_gets_its_key(c, token):
    """The library fetches it (preload), and the broker may not look into who has more than it has."""
    c.demo()
    c.init()
    c.ccctl("add", "demo", input=token)
    c.own()
    argv = c.argv([c.bin / "ccrun", "--exec", "/bin/sh", "demo", "-c",
                   'grep CapPrm /proc/self/status; printf %s "$ANTHROPIC_AUTH_TOKEN"'])
    at = argv.index("--inh-caps=-all")
    r = subprocess.run(argv[:at] + ["--inh-caps=-all,+wake_alarm", "--ambient-caps=+wake_alarm"] + argv[at + 1:],
                       env=c.env(), cwd=c.cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert r.returncode == 0 and r.stdout == f"CapPrm:\t{0:016x}\n{token}", r
