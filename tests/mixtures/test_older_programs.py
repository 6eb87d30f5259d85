"""Programs of before and of today together, by what those of before said (dialogues/)."""
import re

import pytest

import older
import wire_client as wc
from ccrun import Ccrun

pytestmark = pytest.mark.usefixtures("ordinary_user")

# What older programs ask without a person, and is a person's act by now.
PERSONS = {"get", "rename", "backup"}
NAMES = list(older.versions())


@pytest.mark.parametrize("name", NAMES)
def test_what_older_clients_ask_is_answered(fresh, name):
    """In all that the answers of that time had, or by a refusal that says what to do."""
    open_ones = {}
    try:
        for row in older.said(name):
            c = open_ones.setdefault(row.connection, None) or fresh.connect(person=None)
            open_ones[row.connection] = c
            reply = c.raw(row.packet)
            if row.request["op"] in PERSONS and row.answer["ok"]:
                assert reply["error"] == "person" and reply["hint"], (row, reply)
            elif not row.answer["ok"]:
                assert reply["error"] == row.answer["error"] or reply["ok"], (row, reply)
            else:
                assert older.has(older.shape(reply), older.shape(row.answer)), (row.request, row.answer, reply)
    finally:
        for c in open_ones.values():
            c.close()
    events = [(e["event"], e["result"]) for e in fresh.lines()]
    assert ("add", "granted") in events and ("open", "granted") in events


@pytest.fixture
def world():
    with Ccrun() as c:
        c.provider("demo", title="Demo", base_url="https://demo.example.test", auth="bearer", docs="of a test")
        yield c


@pytest.mark.parametrize("name", NAMES)
def test_an_older_broker_and_the_ccctl_of_today(world, name):
    """After an upgrade the broker of before runs on.  It is looked at and locked; what it does not know is
    said with what to do about it."""
    asks = {row.request["op"] for row in older.said(name)}
    with older.older_broker(name, world.runtime / "ccrun/broker.sock") as pid:
        r = world.ccctl("status")
        assert r.rc == 0 and f"process {pid}, user" in r.out, r
        assert world.ccctl("lock").rc == 0
        assert world.ccctl("keys").rc == 0 and world.ccctl("list").rc == 0
        for words in (["get", "demo"], ["spent"], ["sessions"], ["limit", "demo", "5/day"], ["unlock"]):
            r = world.with_passphrase(*words) if words[0] in ("get", "unlock") else world.ccctl(*words)
            if r.rc != 0:
                assert re.search(rf"hint: (the broker is of another version than this program: kill {pid}, then ccctl "
                                 "unlock|programs of one version belong together; after an upgrade end the broker)",
                                 r.err), (words, r)
        assert "person" not in asks and world.with_passphrase("get", "demo").rc == 1


def test_what_a_broker_of_another_version_does_not_take(world):
    """Its own words give no hint: what it lacks it cannot know."""
    refused = {"ok": False, "error": "bad-value", "message": "policy delivery is preload, not 'relay'", "hint": ""}
    for version, hinted in (("0.0.9", True), (None, False)):
        hello = {"version": version} if version else {}
        with older.older_broker("relay", world.runtime / "ccrun/broker.sock", hello=hello, lock=refused) as pid:
            r = world.ccctl("lock")
            assert r.rc == 1 and "not 'relay'" in r.err and (f"kill {pid}, then" in r.err) == hinted, r


def test_a_broker_of_a_protocol_to_come(world):
    with older.older_broker("relay", world.runtime / "ccrun/broker.sock", newer=True) as pid:
        for words in (["status"], ["lock"], ["get", "demo"]):
            r = world.ccctl(*words)
            assert r.rc == 1 and "protocol version 2, this program speaks 1" in r.err and f"kill {pid}, then" in r.err, r
        r = world.ccrun("--exec", "/bin/true", "demo")
        assert r.rc == 125 and "protocol version 2" in r.err and "hint: " in r.err, r


def test_a_client_of_a_protocol_to_come(broker):
    with broker.connect() as c:
        reply = c.raw(wc.pack(v=2, op="hello"))
        assert reply["error"] == "newer" and "belong together" in reply["hint"] and c.closed()
    assert broker.get("zai") == TOKEN.encode()


TOKEN = "sk-mixture-0123456789abcdef"

