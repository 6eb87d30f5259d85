"""Limits with the system broker: the numbers are where no program of the user's can reach."""
import os
import stat

import pytest

from system_broker import BROKER_UID

pytestmark = pytest.mark.root


def test_the_numbers_are_the_brokers(system, token):
    with system.broker(), system.user(1) as user:
        user.demo("https://demo.example.test")
        user.init_system()
        user.add("demo", token)
        assert user.ccctl("limit", "demo", "5M/day").rc == 0
        assert "0 of 5M" in user.ccctl("limit", "demo").out
        assert user.ccctl("spent").rc == 0
        path = user.place / "spending"
        st = os.stat(path)
        assert st.st_uid == BROKER_UID and stat.S_IMODE(st.st_mode) == 0o600
        r = user.run(["/bin/cat", str(path)])
        assert r.rc != 0 and "Permission denied" in r.err
        assert any(e["event"] == "spending" for e in user.lines())
