"""The short form of the crowd of users at the system broker."""
import pytest

import system_crowd

pytestmark = pytest.mark.root


@pytest.mark.parametrize("way, files", [
    ("connections", 400), ("as fast as can be", None), ("sessions", 400), ("files", 400), ("relays", None), ("requests", None)])
def test_one_user_keeps_no_other_out(machine, way, files):
    system_crowd.people(machine, way, others=2, seconds=0.5, files=files)


def test_a_user_who_is_kept_out_is_seen(machine, monkeypatch):
    monkeypatch.setattr(system_crowd.Person, "look", lambda self: self.call("get", name="none"))
    with pytest.raises(Exception, match="no-entry"):
        system_crowd.people(machine, "connections", others=1, seconds=0.1)
