"""Launches that wait for a person's yes, over the wire (docs/PROTOCOL.md, confirm): what is no
yes, what a yes is for, and how the wait ends.  What only time does is in
test_confirm_time.py."""
import os
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest

import canary
import wire_client as wc
from client import until
from played_relay import RelayBroker, Session
from vault_writer import keep_slots
from wire_client import Broker, Child, Refused, in_child, mark, open_fields, undumpable
from wire_keys import key

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()
OTHER = "another-token-value"
ASKS = wc.POLICY + " confirm=session"
FIRST = wc.POLICY + " confirm=first"
LAUNCHES_MAX = 16


@pytest.fixture
def b(fresh):
    """An open vault whose zai wants a yes each time, free none; no connection gives a proof by
    itself."""
    fresh.init()
    fresh.put("zai", TOKEN, ASKS)
    fresh.put("free", OTHER)
    fresh.person = None
    return fresh


def waiting(b):
    return b.call("confirmations")["launches"]


def tries(b, entry="zai", **changes):
    """This process's `open`: "granted", or the error's name."""
    with b.connect() as c:
        reply = c.ask("open", **open_fields(entry, **changes))
    return "granted" if reply["ok"] else reply["error"]


def says_yes(b, launch=None):
    """A person, in another process."""
    launch = launch or waiting(b)[0]["id"]

    def run():
        with b.connect() as c:
            assert c.prove(1, b.key)["ok"]
            return c.call("confirm", id=launch)
    return in_child(run)


def state(b):
    with b.connect() as c:
        reply = c.ask("confirm-wait")
    return reply["state"] if reply["ok"] else reply["error"]


@contextmanager
def held(function, *args):
    """A process that calls that, and lives until the end."""
    def run():
        function(*args)
        os.write(w, b".")
        signal.pause()
    r, w = os.pipe()
    child = Child(run)
    try:
        assert os.read(r, 1) == b"."
        yield child.pid
    finally:
        os.close(r)
        os.close(w)
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        os.close(child.pipe)


def events(b, *names):
    return [(e["event"], e["result"]) for e in b.lines() if e["event"] in names]


# ---- it waits ----

def test_it_waits_and_is_shown_as_the_kernel_sees_it(b, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    b.call("limit-set", name="zai", limit="$10/day")
    assert tries(b, "free") == "granted" and waiting(b) == []
    assert tries(b, delivery="relay", program="/said/claude", project="/said/project") == "confirm"
    shown, = waiting(b)
    assert 55 <= shown.pop("left") <= 60 and shown.pop("asked") and len(shown["id"]) == 8
    assert shown == {"id": shown["id"], "pid": os.getpid(), "provider": "zai", "mode": "", "entries": "zai",
                     "origin": wc.ORIGIN, "delivery": "relay", "limit": "$10/day",
                     "image": os.readlink("/proc/self/exe"), "directory": str(tmp_path),
                     "project": "/said/project", "program": "/said/claude", "nested": False}
    assert b.call("status")["waiting"] == 1 and state(b) == "waits"
    assert events(b, "open") == [("open", "granted"), ("open", "confirm")]
    # the same once more is the same launch
    assert tries(b, delivery="relay", program="/said/claude", project="/said/project") == "confirm"
    assert [x["id"] for x in waiting(b)] == [shown["id"]]


def test_names_that_would_drive_a_terminal(b, tmp_path, monkeypatch):
    odd = tmp_path / "a\n\x1b[2Jb"
    odd.mkdir()
    monkeypatch.chdir(odd)
    assert tries(b) == "confirm"
    assert waiting(b)[0]["directory"] == str(tmp_path / "a??[2Jb")


# ---- what is no yes ----

def test_an_open_vault_is_no_yes(b):
    assert tries(b) == "confirm"
    launch = waiting(b)[0]["id"]
    with b.connect() as c:
        assert c.error("confirm", id=launch) == "person"
        for n, kind in enumerate(("keyring", "credential"), 2):
            b.person = wc.Person(1, b.key)
            assert b.add_slot(key(n), kind=kind) == n
            b.person = None
            assert c.prove(n, key(n))["error"] == "person"
            assert c.error("confirm", id=launch) == "person"
        assert c.prove(1, key(9))["error"] == "wrong-key"
        assert c.error("confirm", id=launch) == "person"
        # a proof is for the next request, whatever that is
        assert c.prove(1, b.key)["ok"] and c.call("hello")
        assert c.error("confirm", id=launch) == "person"
        assert c.prove(1, b.key)["ok"] and c.error("confirm", id="00000000") == "no-entry"
        assert c.error("confirm", id=launch) == "person"
    assert tries(b) == "confirm" and state(b) == "waits"
    assert ("confirm", "granted") not in events(b, "confirm")


def test_a_session_says_no_yes_and_sees_nothing(b):
    assert tries(b) == "confirm"
    launch = waiting(b)[0]["id"]

    def run():
        mark()
        with b.connect() as c:
            return [c.error("confirmations"), c.error("confirm", id=launch), c.error("confirm-deny", id=launch),
                    c.error("confirm-set", name="zai", confirm="no"), c.error("confirm-wait")]
    assert in_child(run) == ["marked"] * 4 + ["no-entry"]
    assert state(b) == "waits"


def test_a_locked_vault_takes_no_yes(fresh):
    """With kept entries: the file that a proof is compared with can be exchanged then."""
    b = fresh
    b.init()
    b.put("zai", TOKEN, ASKS.replace(" confirm", " keep=yes confirm"))
    assert tries(b) == "confirm"
    launch = waiting(b)[0]["id"]
    b.call("lock", why="suspend")
    assert tries(b) == "locked" and waiting(b) == [] and state(b) == "locked"
    with b.connect() as c:
        assert c.prove(1, b.key)["ok"]
        assert c.error("confirm", id=launch) == "locked"


# ---- what a yes is for ----

def test_one_yes_is_one_launch(b):
    assert tries(b) == "confirm"
    says_yes(b)
    assert state(b) == "confirmed" and waiting(b) == []
    assert tries(b) == "granted"
    assert state(b) == "no-entry"
    assert tries(b) == "confirm", "and no second one"
    assert events(b, "confirm") == [("confirm", "granted")]
    line = next(e for e in b.lines() if e["event"] == "confirm")
    assert line["provider"] == "zai" and line["entries"] == "zai" and f"of process {os.getpid()}" in line["why"]


def test_it_is_for_the_process_that_asked(b):
    """Whoever sees the id, or asks the same from the same place, has a launch of his own."""
    assert tries(b) == "confirm"
    mine = waiting(b)[0]["id"]
    says_yes(b, mine)
    assert in_child(tries, b) == "confirm"
    assert in_child(lambda: tries(b, id=mine, confirm="no")) == "confirm"
    assert in_child(state, b) == "no-entry"
    assert tries(b) == "granted"


@pytest.mark.parametrize("change", [{"delivery": "pipe"}, {"mode": "fast"}, {"project": "/elsewhere"},
                                    {"program": "/bin/other"}, {"provider": "other"}, {"entry": "second"}])
def test_it_is_for_what_was_shown(b, change):
    b.put("second", OTHER, ASKS)
    assert tries(b) == "confirm"
    says_yes(b)
    assert tries(b, **change) == "confirm"
    # asked anew: the yes is gone
    assert tries(b) == "confirm"


def test_it_is_for_the_place_where_it_was_asked(b, tmp_path, monkeypatch):
    assert tries(b) == "confirm"
    says_yes(b)
    monkeypatch.chdir(tmp_path)
    assert tries(b) == "confirm"
    assert waiting(b)[0]["directory"] == str(tmp_path)


def test_every_entry_of_a_session_counts(b):
    free = {"name": "free", "variable": wc.VARIABLE, "origin": wc.ORIGIN}
    entries = [{**free, "variable": "ANTHROPIC_API_KEY"}, {**free, "name": "zai"}]
    b.put("key", OTHER, variable="ANTHROPIC_API_KEY")
    entries[0]["name"] = "key"
    assert tries(b, entries=entries) == "confirm"
    assert waiting(b)[0]["entries"] == "key zai"


def test_what_is_sealed_is_looked_at_before(b):
    """A launch that would be refused anyway asks nobody."""
    assert tries(b, origin="bearer https://elsewhere.test") == "origin"
    assert tries(b, "absent") == "no-entry"
    assert in_child(lambda: [mark(), tries(b)][1]) == "marked"
    assert waiting(b) == []


# ---- how a wait ends ----

def test_no(b):
    assert tries(b) == "confirm"
    launch = waiting(b)[0]["id"]
    assert in_child(lambda: b.call("confirm-deny", id=launch))["ok"]
    assert state(b) == "denied" and waiting(b) == []
    assert b.error("confirm-deny", id=launch) == "no-entry"
    with pytest.raises(Refused) as e:
        says_yes(b, launch)
    assert e.value.error == "no-entry"
    assert events(b, "confirm-deny") == [("confirm-deny", "granted"), ("confirm-deny", "no-entry")]
    assert tries(b) == "confirm" and waiting(b)[0]["id"] != launch


@pytest.mark.parametrize("why", ["request", "suspend", "screen", "logout"])
@pytest.mark.parametrize("answered", [False, True])
def test_a_lock_ends_it(b, why, answered):
    assert tries(b) == "confirm"
    if answered:
        says_yes(b)
    b.call("lock", why=why)
    assert state(b) == "locked" and waiting(b) == []
    b.unlock()
    assert state(b) == "locked" and tries(b) == "confirm"
    until(lambda: ("confirm", "locked") in events(b, "confirm"))


def test_who_has_ended_waits_no_more(b):
    assert in_child(tries, b) == "confirm"
    assert waiting(b) == [] and b.call("status")["waiting"] == 0


def test_so_many_wait(b):
    children = [held(tries, b) for _ in range(LAUNCHES_MAX)]
    pids = [c.__enter__() for c in children]
    try:
        assert sorted(x["pid"] for x in waiting(b)) == sorted(pids)
        assert tries(b) == "busy"
        assert tries(b, "free") == "granted"
        children.pop().__exit__(None, None, None)
        assert tries(b) == "confirm"
        assert in_child(tries, b) == "busy"
    finally:
        for c in children:
            c.__exit__(None, None, None)


# ---- first ----

def test_the_first_since_the_vault_was_opened(fresh):
    b = fresh
    b.init()
    b.put("zai", TOKEN, FIRST)
    b.put("other", TOKEN, FIRST)
    assert tries(b) == "confirm"
    says_yes(b)
    assert tries(b) == "granted" and tries(b) == "granted" and in_child(tries, b) == "granted"
    assert tries(b, "other") == "confirm", "each entry has its own"
    for forgets in (lambda: b.call("lock"), lambda: b.call("lock", why="suspend")):
        forgets()
        b.unlock()
        assert tries(b) == "confirm"
        says_yes(b)
        assert tries(b) == "granted" and tries(b) == "granted"
    for forgets in (lambda: b.put("zai", OTHER, FIRST, replace=True),
                    lambda: b.call("approve", name="zai", origin=wc.ORIGIN, variable=wc.VARIABLE, policy=FIRST),
                    lambda: b.call("confirm-set", name="zai", confirm="first")):
        forgets()
        assert tries(b) == "confirm"
        says_yes(b)
        assert tries(b) == "granted" and tries(b) == "granted"
    b.stop()
    b.start()
    b.unlock()
    assert tries(b) == "confirm"


def test_a_yes_that_was_not_used_is_no_first(fresh):
    b = fresh
    b.init()
    b.put("zai", TOKEN, FIRST)
    assert tries(b) == "confirm"
    says_yes(b)
    assert in_child(tries, b) == "confirm"


# ---- who decides ----

def test_setting_it(b):
    def confirm_of(name):
        policy = next(e["policy"] for e in b.call("list", after="")["entries"] if e["name"] == name)
        return dict(w.split("=", 1) for w in policy.split()).get("confirm", "no")

    with b.connect() as c:
        assert c.error("confirm-set", name="absent", confirm="session") == "no-entry"
        assert c.error("confirm-set", name="free", confirm="off") == "bad-value"
        # stricter: nobody; looser: a person
        for to in ("first", "session", "session"):
            assert c.call("confirm-set", name="free", confirm=to)["generation"]
            assert confirm_of("free") == to
        for to in ("first", "no"):
            assert c.error("confirm-set", name="free", confirm=to) == "person"
            assert confirm_of("free") == "session"
        assert tries(b, "free") == "confirm"
        assert c.prove(1, b.key)["ok"] and c.call("confirm-set", name="free", confirm="no")
        assert confirm_of("free") == "no" and tries(b, "free") == "granted"
    assert events(b, "confirm-set")[-1] == ("confirm-set", "granted")
    assert ("confirm-set", "person") in events(b, "confirm-set")


def test_what_else_seals_keeps_it(b):
    """A new key or an approval, each a person's act, are none about this."""
    b.person = wc.Person(1, b.key)
    b.put("zai", OTHER, wc.POLICY, replace=True)
    assert tries(b) == "confirm"
    b.call("approve", name="zai", origin=wc.ORIGIN, variable=wc.VARIABLE, policy=wc.POLICY)
    assert tries(b) == "confirm"
    b.call("rename", name="zai", to="new")
    assert tries(b, "new") == "confirm"
    b.put("free", OTHER, ASKS, replace=True)
    assert tries(b, "free") == "confirm", "stricter is taken over"


def test_nobody_could_say_yes(fresh):
    """A vault that no person's slot opens."""
    b = fresh
    b.init()
    b.put("zai", TOKEN)
    b.add_slot(key(2), kind="keyring")
    b.stop()
    b.vault.write_bytes(keep_slots(b.vault.read_bytes(), b.key, 1, [2]))
    b.start()
    b.person = None
    b.call("unlock", slot=2, key=key(2))
    assert b.error("confirm-set", name="zai", confirm="session") == "person"
    assert tries(b) == "granted"


def test_files_tighten_and_never_loosen(b):
    assert tries(b, "free", confirm="session") == "confirm"
    says_yes(b)
    assert tries(b, "free", confirm="session") == "granted"
    assert tries(b, "free", confirm="session") == "confirm"
    assert tries(b, "free", confirm="always") == "bad-value"
    for less in ("no", "first"):
        assert tries(b, confirm=less) == "confirm"


# ---- ways round it ----

def test_a_worker_gets_no_key_without_a_yes(b):
    def run(name):
        undumpable()
        with b.connect() as c:
            c.call("hello")
            return c.ask("usage-next", name=name)
    assert in_child(run, "free")["token"] == OTHER.encode()
    answer = in_child(run, "zai")
    assert answer["error"] == "policy" and "token" not in answer


def test_inside_a_session(fresh):
    """nested = allow is what a process outside has: the same question."""
    b = fresh
    b.init()
    b.put("zai", TOKEN, ASKS.replace("nested=deny", "nested=allow"))
    with held(lambda: [mark(), tries(b)]) as pid:
        shown, = waiting(b)
        assert shown["pid"] == pid and shown["nested"]


def test_a_session_that_was_confirmed_says_it_for_those_inside():
    use = "delivery=relay nested=use strict=no exposed=no"
    with RelayBroker() as b:
        b.init()
        b.put("zai", TOKEN, use + " confirm=first")
        b.put("late", TOKEN, use)
        assert tries(b, delivery="relay") == "confirm"
        says_yes(b)
        assert tries(b, delivery="relay") == "granted"
        with Session(b, "zai") as s, Session(b, "late") as late:
            b.call("confirm-set", name="zai", confirm="session")
            b.call("confirm-set", name="late", confirm="session")
            ticket = {"delivery": "relay", "ticket": s.answer["ticket"]}
            assert in_child(lambda: [mark(), tries(b, **ticket)][1]) == "granted"
            # what shows it outside belongs to the session, and ends with it
            assert tries(b, **ticket) == "granted"
            # a session that nobody said yes to says it for nobody
            ticket["ticket"] = late.answer["ticket"]
            assert tries(b, "late", **ticket) == "confirm"
            assert waiting(b)[0]["nested"]
            s.end()
            until(lambda: s.id not in {x["id"] for x in b.sessions()})
            ticket["ticket"] = s.answer["ticket"]
            assert tries(b, **ticket) == "marked", "a daemon that an earlier session left behind"
        assert tries(b, delivery="relay") == "confirm", "nor without its ticket"


def test_a_broker_that_is_started_anew_asks_as_before(b):
    b.stop()
    b.start()
    b.unlock()
    assert tries(b) == "confirm"
    assert Path(f"/proc/{b.pid}").exists()
