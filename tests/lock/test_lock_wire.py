"""What locks the vault and what that spares, over the wire (docs/PROTOCOL.md):
lock and its events, settings, watch, kept entries, sleeping tokens.

What only time does is tested elsewhere, with a clock that can be moved."""
import os
import time

import pytest

import canary
import vault_reader as reader
import wire_client as wc
from wire_client import Broker, Child, Closed, Refused, in_child, launch, mark

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()
KEPT = canary.new_token()
KEEP = wc.POLICY + " keep=yes"
EVENTS = ("suspend", "screen", "logout")
DAY = 24 * 3600


@pytest.fixture
def broker(broker):
    broker.put("kept", KEPT, KEEP)
    return broker


def locks(b):
    return [(e["result"], e.get("why")) for e in b.lines() if e["event"] == "lock"]


def claim(b, entry="kept", **more):
    return in_child(lambda: launch(b, "mark", "arrived", "hide", "claim", entry=entry, **more))


# ---- settings ----------------------------------------------------------

def test_settings_are_sealed(broker):
    assert broker.call("settings") == {"v": 1, "ok": True, "idle": 0, "longest": 0,
                                       "suspend": True, "screen": True, "logout": True, "durable": False}
    assert broker.call("set", idle=90, screen=False) == {"v": 1, "ok": True, "generation": 4}
    assert broker.call("set", longest=366 * DAY)["generation"] == 5
    want = {"idle": 90, "longest": 366 * DAY, "suspend": True, "screen": False, "logout": True, "durable": False}
    assert broker.call("settings") == {"v": 1, "ok": True, **want}
    sealed = reader.open_vault(broker.vault.read_bytes(), broker.key)["settings"]
    assert sealed == {"idle": 90, "longest": 366 * DAY, "events": 1 | 4}
    broker.stop()
    broker.start()
    assert broker.error("settings") == "locked"
    broker.unlock()
    assert broker.call("settings") == {"v": 1, "ok": True, **want}
    assert broker.call("set", idle=0, longest=0, suspend=False, screen=True, logout=False)["generation"] == 6
    assert broker.call("set")["generation"] == 7, "nothing named, nothing changed"
    assert reader.open_vault(broker.vault.read_bytes(), broker.key)["settings"] == {
        "idle": 0, "longest": 0, "events": 2}
    assert [e["result"] for e in broker.lines() if e["event"] == "set"] == ["granted"] * 4


def test_a_durable_log_is_sealed_in_version_4(broker):
    def version():
        return reader.inspect(broker.vault.read_bytes())["version"]
    assert version() == 2
    broker.call("set", durable=True)
    assert version() == 4 and reader.open_vault(broker.vault.read_bytes(), broker.key)["settings"]["durable"] == 1
    broker.stop()
    broker.start()
    broker.unlock()
    assert broker.call("settings")["durable"] is True
    assert broker.call("set", idle=60)["ok"] and broker.call("settings")["durable"] is True
    # A less safe log is a person's decision.
    with broker.connect(person=None) as c:
        assert c.error("set", durable=False) == "person"
    broker.call("set", durable=False)
    assert version() == 2 and broker.call("settings")["durable"] is False


@pytest.mark.parametrize("fields,error", [
    ({"idle": 366 * DAY + 1}, "bad-value"), ({"longest": 366 * DAY + 1}, "bad-value"),
    ({"idle": 2**64 - 1}, "bad-value"), ({"longest": 2**63}, "bad-value"),
    ({"idle": -1}, "wrong-type"), ({"idle": 1.0}, "wrong-type"), ({"idle": "1h"}, "wrong-type"),
    ({"longest": True}, "wrong-type"), ({"suspend": 0}, "wrong-type"), ({"screen": "no"}, "wrong-type"),
    ({"idle": 5, "logout": None}, "wrong-type"), ({"durable": 1}, "wrong-type"),
])
def test_settings_that_are_none(broker, fields, error):
    before, told = broker.vault.read_bytes(), broker.call("settings")
    assert broker.error("set", **fields) == error
    assert broker.vault.read_bytes() == before and broker.call("settings") == told
    assert (broker.lines()[-1]["event"], broker.lines()[-1]["result"]) == ("set", error)


# ---- locking -----------------------------------------------------------

@pytest.mark.parametrize("why", [None, "request", *EVENTS])
def test_lock_and_why(broker, why):
    fields = {"why": why} if why else {}
    assert broker.call("lock", **fields) == {"v": 1, "ok": True, "locked": True}
    status = broker.call("status")
    assert (status["state"], status["why"]) == ("locked", why or "request")
    assert abs(status["locked_at"] - time.time()) < 60
    assert status["kept"] == (why in EVENTS)
    assert broker.error("get", name="zai") == "locked"
    assert locks(broker) == [("granted", why or "request")]


@pytest.mark.parametrize("why,error", [("start", "bad-value"), ("idle", "bad-value"), ("longest", "bad-value"),
                                       ("moved", "bad-value"), ("", "bad-value"), ("w" * 16, "too-large"),
                                       (1, "wrong-type"), (b"screen", "wrong-type")])
def test_reasons_that_are_none(broker, why, error):
    assert broker.error("lock", why=why) == error
    assert broker.call("hello")["state"] == "unlocked"
    assert (broker.lines()[-1]["event"], broker.lines()[-1]["result"]) == ("lock", error)


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_locks_when_the_settings_want_it(broker, event):
    broker.call("set", **{event: False})
    assert broker.call("lock", why=event) == {"v": 1, "ok": True, "locked": False}
    assert broker.call("hello")["state"] == "unlocked" and locks(broker) == []
    for other in EVENTS:
        if other != event:
            assert broker.call("lock", why=other)["locked"]
            broker.unlock()
    broker.call("set", **{event: True})
    assert broker.call("lock", why=event)["locked"]
    # there is nothing left for it to lock; a request always succeeds
    assert not broker.call("lock", why=event)["locked"]
    assert broker.call("lock")["locked"]


def test_an_event_without_a_vault():
    with Broker() as b:
        assert not b.call("lock", why="suspend")["locked"]
        assert b.call("hello")["why"] == "start"
        assert b.call("lock")["locked"]


# ---- what a lock spares ------------------------------------------------

def test_kept_entries_after_an_automatic_lock(broker):
    generation = broker.call("slots")["generation"]
    broker.call("lock", why="screen")
    status = broker.call("status")
    assert (status["state"], status["kept"]) == ("locked", 1)
    assert claim(broker) == {wc.VARIABLE: KEPT.encode()}
    assert claim(broker) == {wc.VARIABLE: KEPT.encode()}
    with pytest.raises(Refused, match="locked"):
        claim(broker, "zai")
    with pytest.raises(Refused, match="locked"):
        claim(broker, "no-such")
    both = [wc.open_fields(n)["entries"][0] for n in ("kept", "zai")]
    assert broker.error("open", **wc.open_fields("kept", entries=both)) == "locked"
    # the sealed policy counts as ever
    assert broker.error("open", **wc.open_fields("kept", origin="elsewhere")) == "origin"
    assert broker.error("open", **wc.open_fields("kept", delivery="env")) == "policy"
    # and that is all that there is of the vault
    for op, fields in (("get", {"name": "kept"}), ("list", {"after": ""}), ("rm", {"name": "kept"}),
                       ("settings", {}), ("set", {}), ("backup", {}), ("rekey", {}), ("slot-rm", {"id": 1}),
                       ("rename", {"name": "kept", "to": "x"})):
        assert broker.error(op, **fields) == "locked", op
    assert broker.call("slots")["generation"] == generation
    assert broker.call("status")["releases"] == 2
    # once more, by another event: nothing changes
    broker.call("lock", why="suspend")
    assert claim(broker) == {wc.VARIABLE: KEPT.encode()}
    # a person says it: nothing is spared
    broker.call("lock")
    assert broker.call("status")["kept"] == 0
    with pytest.raises(Refused, match="locked"):
        claim(broker)


def test_a_kept_entry_through_a_pipe(broker):
    broker.call("lock", why="logout")

    def run():
        with broker.connect() as c:
            c.open("kept", delivery="pipe")
            mark()
            c.call("pipe")
            return os.read(c.fds[0], 1 << 16)
    assert in_child(run) == KEPT.encode()


def test_opening_ends_what_was_kept(broker):
    broker.call("lock", why="suspend")
    assert broker.error("unlock", slot=1, key=b"k" * 32) == "wrong-key"
    assert broker.call("status")["kept"] == 1 and claim(broker)
    broker.unlock()
    status = broker.call("status")
    assert (status["state"], status["kept"], status["why"]) == ("unlocked", 0, "suspend")
    assert claim(broker, "zai") == {wc.VARIABLE: TOKEN.encode()}
    broker.call("rm", name="kept")
    broker.call("lock", why="suspend")
    assert broker.call("status")["kept"] == 0


@pytest.mark.parametrize("why,entry,gets", [("screen", "kept", True), ("screen", "zai", False),
                                            ("request", "kept", False)])
def test_a_lock_between_open_and_claim(broker, why, entry, gets):
    def run():
        return launch(broker, lambda: broker.call("lock", why=why), "mark", "arrived", "hide", "claim",
                      entry=entry)
    if gets:
        assert in_child(run) == {wc.VARIABLE: KEPT.encode()}
    else:
        with pytest.raises(Refused, match="vault is locked"):
            in_child(run)


def test_a_kept_entry_is_wiped_between_open_and_claim(broker):
    broker.call("lock", why="screen")
    with pytest.raises(Refused, match="vault is locked"):
        in_child(lambda: launch(broker, "lock", "mark", "arrived", "hide", "claim", entry="kept"))


def test_no_nested_session_on_a_kept_entry(broker):
    broker.put("both", KEPT, "nested=allow keep=yes")
    broker.call("lock", why="screen")
    assert claim(broker, "both") == {wc.VARIABLE: KEPT.encode()}

    def nested():
        mark()
        return [broker.error("open", **wc.open_fields(n)) for n in ("both", "kept", "zai")]
    assert in_child(nested) == ["marked"] * 3


def test_live_sessions_go_on_and_exec_again_on_a_kept_entry(broker):
    def until_it_is(state):
        deadline = time.monotonic() + 5
        while broker.call("hello")["state"] != state:
            assert time.monotonic() < deadline

    def run(entry):
        go, wait = os.pipe()[::-1]

        def outside():
            os.read(wait, 1)
            broker.call("lock", why="screen")
        child = Child(outside)
        try:
            return in_child(lambda: launch(
                broker, "mark", "arrived", "hide", "claim", lambda: os.write(go, b"x"),
                lambda: until_it_is("locked"), "again", "show", "arrived", "hide", "claim", entry=entry))
        finally:
            child.result()
            os.close(go)
            os.close(wait)
    assert run("kept") == {wc.VARIABLE: KEPT.encode()}
    broker.unlock()
    with pytest.raises(Refused, match="vault is locked"):
        run("zai")


def test_no_secret_is_on_record_or_disk(broker):
    claim(broker)
    broker.call("lock", why="screen")
    claim(broker)
    broker.call("lock")
    broker.stop()
    for secret in (TOKEN, KEPT, broker.key.hex()):
        assert canary.scan_files(broker.root, secret) == []


# ---- policies ----------------------------------------------------------

@pytest.mark.parametrize("said,sealed", [
    ("keep=yes", KEEP), ("keep=no", wc.POLICY), ("ttl=0", wc.POLICY), ("ttl=90", wc.POLICY + " ttl=90"),
    ("ttl=30m", wc.POLICY + " ttl=1800"), ("ttl=12h keep=yes", KEEP + " ttl=43200"),
    ("ttl=366d", wc.POLICY + f" ttl={366 * DAY}"), ("ttl=1h ttl=2h", wc.POLICY + " ttl=7200"),
])
def test_policies_of_time(broker, said, sealed):
    broker.put("new", TOKEN, said)
    assert [e["policy"] for e in broker.call("list", after="kept")["entries"]] == [sealed, wc.POLICY]
    assert broker.call("hello")["asleep"] == 0


@pytest.mark.parametrize("policy", ["keep=maybe", "keep=", "ttl=", "ttl=-1", "ttl=1w", "ttl=1 h", "ttl=h", "ttl=1.5h",
                                    "ttl=367d", "ttl=31622401", "ttl=99999999999", "ttl=0x10", "Keep=yes"])
def test_policies_of_time_that_are_none(broker, policy):
    with pytest.raises(Refused) as e:
        broker.put("new", TOKEN, policy)
    assert e.value.error == "bad-value"


# ---- who says when the computer sleeps ---------------------------------

def test_one_watches(broker):
    def watched():
        return broker.call("status")["watched"]
    with broker.connect() as c, broker.connect() as other:
        assert not watched()
        assert c.call("watch", kind="a test") == {"v": 1, "ok": True}
        assert watched()
        for _ in range(2):
            assert c.error("watch", kind="again") == "exists"
            assert other.error("watch", kind="logind") == "exists"
        assert c.call("lock", why="suspend")["locked"] and c.call("hello")["state"] == "locked"
        c.close()
        deadline = time.monotonic() + 5
        while watched():
            assert time.monotonic() < deadline
        other.call("watch", kind="logind")
        assert watched()
        assert other.raw(b"\xc0")["error"] == "malformed"
        with pytest.raises(Closed):
            other.recv()
    assert not watched()


@pytest.mark.parametrize("fields,error", [({}, "wrong-type"), ({"kind": 1}, "wrong-type"),
                                          ({"kind": "k" * 32}, "too-large"), ({"kind": "a\nb"}, "bad-value")])
def test_watch_errors(broker, fields, error):
    assert broker.error("watch", **fields) == error
    assert not broker.call("status")["watched"]


def test_a_connection_has_a_session_or_watches(broker):
    with broker.connect() as c:
        c.call("watch", kind="a test")
        assert c.error("open", **wc.open_fields()) == "in-use"
        assert c.call("hello")

    def session():
        with broker.connect() as c:
            c.open()
            assert c.error("watch", kind="a test") == "in-use"
            mark()
            c.arrived()
            wc.undumpable()
            return c.claim()
    assert in_child(session) == {wc.VARIABLE: TOKEN.encode()}
    assert not broker.call("status")["watched"]


# ---- the record, read over the wire ------------------------------------

def test_the_record_in_parts(broker):
    for i in range(300):
        broker.error("get", name=f"absent-{i}")
    whole, data = broker.record.read_bytes(), b""
    with broker.connect() as c:
        while len(data) < len(whole):
            reply = c.call("record", at=len(data))
            assert reply["size"] == len(whole) and 0 < len(reply["part"]) <= wc.PART
            data += reply["part"]
        assert data == whole and len(whole) > wc.PART
        assert c.call("record", at=10)["part"][:20] == whole[10:30]
        for at in (len(whole), 2**40, 2**64 - 1):
            reply = c.call("record", at=at)
            assert (reply["size"], reply["part"]) == (len(whole), b"")
            assert {k: type(v) for k, v in reply.items() if k.startswith("checkpoint")} == {
                "checkpoint_seq": int, "checkpoint_hash": str, "checkpoint_at": int}
        assert c.error("record") == "wrong-type" == c.error("record", at=-1)
    assert broker.record.read_bytes() == whole, "to read it is no event"
    broker.call("lock")
    assert wc.read_record(broker.call("record", at=0)["part"].rpartition(b"\n")[0] + b"\n")
    assert in_child(lambda: [mark(), broker.error("record", at=0)][1]) == "marked"
