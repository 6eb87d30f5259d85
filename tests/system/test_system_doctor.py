"""ccctl doctor on a machine with a system broker, which root installed."""
import json

import pytest

pytestmark = pytest.mark.root


def look(user):
    r = user.ccctl("doctor", "--json")
    found = {}
    for row in json.loads(r.out):
        found.setdefault(row["check"], []).append(row)
    return found


def states(found, *checks):
    return {check: [row["state"] for row in found[check]] for check in checks}


def test_what_root_installed_is_roots_alone_and_its_broker_is_asked(system, ep, token):
    with system.user(1, ep) as user:
        user.demo()
        with system.broker():
            user.init_system()
            user.add("demo", token)
            found = look(user)
            assert set(sum(states(found, "install", "programs", "broker", "broker-memory", "broker-hardening",
                                  "broker-sandbox", "broker-version", "vault", "launch", "entries").values(), [])) \
                == {"ok"}, found
            assert found["broker"][0]["what"].startswith("the system broker runs")
            assert "login" not in found
            # Its unit for relays is not set up here, and nobody watches.
            assert states(found, "relay", "broker-watcher") == {"relay": ["broken"], "broker-watcher": ["advice"]}
            assert found["relay"][0]["hint"] == "as root: systemctl start ccrun-relay.socket"
        found = look(user)
        assert states(found, "broker") == {"broker": ["broken"]}
        assert found["broker"][0]["hint"].startswith("as root: systemctl start")
