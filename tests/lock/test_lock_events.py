"""What locks the vault, what a lock spares, and what `ccctl status` says of it.
Time is in test_lock_time.py, logind in test_lock_logind.py."""
import re
import threading
import time
from datetime import datetime, timezone

import pytest

import wire_client as wc
from ccrun import CCRUN
from endpoint import Text
from client import until
from locking import EVENTS, WORDS, Locking


@pytest.fixture
def w():
    with Locking() as world:
        yield world


def when(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()


# ---- when and why ----

@pytest.mark.parametrize("why", ["request", *EVENTS])
def test_status_says_when_and_why(w, why):
    w.keys(demo={})
    s = w.status()
    assert s["state"] == "unlocked" and s["locked_why"] is None and s["locked_at"] is None, s
    before = int(time.time())
    w.lock(why)
    s = w.status()
    assert s["state"] == "locked" and s["locked_why"] == why and s["kept"] == 0, s
    assert before <= when(s["locked_at"]) <= time.time()
    text = w.ok("status").out
    assert re.search(rf"^why +{WORDS[why]}, \d{{4}}-\d\d-\d\d \d\d:\d\d$", text, re.M), text
    assert w.ccctl("status", "-q").rc == 3
    assert w.locks() == [why]
    w.refused("demo", "the vault is locked")
    assert w.unlock().rc == 0
    assert w.status()["locked_why"] is None and w.serves("demo")


def test_a_broker_that_nobody_opened_yet_says_so(w):
    w.keys(demo={})
    w.end_broker()
    w.refused("demo", "the vault is locked")
    s = w.status()
    assert s["state"] == "locked" and s["locked_why"] == "start" and s["locked_at"] is None, s
    assert "not opened since the broker started" in w.ok("status").out
    # a watcher's word adds nothing to that, a person's does
    assert not w.event("suspend") and w.status()["locked_why"] == "start"
    w.ok("lock")
    assert w.status()["locked_why"] == "request"


def test_the_first_reason_stays(w):
    w.keys(demo={})
    w.lock("suspend")
    at = w.status()["locked_at"]
    assert not w.event("screen") and not w.event("logout")
    time.sleep(1.1)  # another second, to be told from the first
    w.ok("lock")
    s = w.status()
    assert s["locked_why"] == "suspend" and s["locked_at"] == at, s


def test_what_opens_by_itself_does_so_once(w):
    w.keys(demo={})
    w.ok("host", "init")
    w.ok("slot", "add", "keyfile")
    w.end_broker()
    assert w.serves("demo"), "a fresh broker opens what it can"
    for why in ("request", *EVENTS):
        w.lock(why)
        w.refused("demo", "the vault is locked")
        w.refused("demo", "the vault is locked")
        w.ok("unlock", "--keyfile")
        assert w.serves("demo")


# ---- settings ----

def test_settings(w):
    w.keys(demo={})
    assert w.json("settings") == {"idle": 0, "longest": 0, "suspend": True, "screen": True, "logout": True,
                                  "durable": False}
    assert w.ok("settings").out == "idle=never\nlongest=never\nsuspend=yes\nscreen=yes\nlogout=yes\ndurable=no\n"
    w.ok("settings", "idle=90m", "screen=no")
    w.ok("settings", "longest=1d")
    want = {"idle": 5400, "longest": 86400, "suspend": True, "screen": False, "logout": True, "durable": False}
    assert w.json("settings") == want
    w.end_broker()
    assert w.unlock().rc == 0 and w.json("settings") == want
    w.ok("settings", "idle=never", "longest=0")
    assert w.json("settings")["idle"] == 0 and w.json("settings")["longest"] == 0
    w.lock("request")
    r = w.ccctl("settings", "idle=5m", person=False)
    assert r.rc == 3 and "locked" in r.err, r
    assert w.ccctl("settings").rc == 3
    # what is said wrongly is said first, and no passphrase is asked for
    assert w.ccctl("settings", "idle=soon").rc == 2


@pytest.mark.parametrize("word", ["idle", "idle=", "idle=soon", "idle=-1", "suspend=maybe", "sleep=yes", "=1", "",
                                  "longest=2h"])
def test_what_is_no_setting(w, word):
    w.init()
    before = w.json("settings")
    r = w.ccctl("settings", "longest=1h", word)
    assert r.rc == 2 and "hint: " in r.err, r
    assert w.json("settings") == before, "all or nothing"


def test_a_year_is_the_longest(w):
    w.init()
    w.ok("settings", "idle=366d")
    r = w.ccctl("settings", "idle=367d")
    assert r.rc == 1 and "366 days" in r.err, r


def test_events_that_are_switched_off(w):
    w.keys(demo={})
    for why in EVENTS:
        w.ok("settings", f"{why}=no")
        assert not w.event(why) and w.serves("demo")
        w.ok("settings", f"{why}=yes")
        assert w.event(why)
        assert w.unlock().rc == 0
    assert w.locks() == EVENTS


# ---- keep = yes ----

@pytest.mark.parametrize("why", EVENTS)
def test_automatic_locks_spare_what_is_kept(w, why):
    w.keys(demo={}, spared={"keep": "yes"})
    w.lock(why)
    s = w.status()
    assert s["kept"] == 1 and "1 kept (keep = yes)" in w.ok("status").out, s
    assert w.serves("spared") and w.serves("spared")
    w.refused("demo", "the vault is locked")
    # a launch may have it, and nothing else
    for words in (["get", "spared"], ["keys"], ["show", "spared"], ["rm", "-y", "spared"],
                  ["rename", "spared", "other"], ["approve", "--yes", "spared"], ["settings"],
                  ["add", "spared", "--replace"]):
        r = w.ccctl(*words, person=False, input="another-token-0123456789\n" if words[0] == "add" else None)
        assert r.rc == 3 and "locked" in r.err, r
        # (show says what the files say all the same)
        assert r.out == "" or (words[0] == "show" and "origin" not in r.out), r
    # the next event changes nothing, a person's word everything
    assert not w.event("suspend") and w.serves("spared")
    assert w.status()["locked_why"] == why
    w.ok("lock")
    s = w.status()
    assert s["kept"] == 0 and s["locked_why"] == "request", s
    w.refused("spared", "the vault is locked")
    assert w.unlock().rc == 0 and w.serves("spared") and w.serves("demo")


def test_a_lock_by_request_spares_nothing(w):
    w.keys(spared={"keep": "yes"})
    w.lock("request")
    assert w.status()["kept"] == 0
    w.refused("spared", "the vault is locked")


def test_keep_is_what_was_sealed(w):
    w.keys(demo={})
    w.file("demo", {"keep": "yes"})
    w.lock("suspend")
    assert w.status()["kept"] == 0
    w.refused("demo", "the vault is locked")
    assert w.unlock().rc == 0
    w.ok("approve", "--yes", "demo")
    w.lock("suspend")
    assert w.serves("demo")
    # and the other way round: a file does not take it away either
    w.file("demo", {"keep": "no"})
    assert w.serves("demo")


def test_the_use_of_a_kept_key_is_not_forgotten(w):
    w.keys(spared={"keep": "yes"}, demo={})
    w.lock("suspend")
    before = int(time.time())
    assert w.serves("spared")
    assert w.unlock().rc == 0
    assert w.used("spared") >= before and w.used("demo") is None
    w.lock("suspend")  # written now
    w.end_broker()
    assert w.unlock().rc == 0 and w.used("spared") >= before


def test_use_times_are_there_after_a_lock(w):
    w.keys(demo={})
    before = int(time.time())
    assert w.serves("demo")
    w.lock("screen")
    w.end_broker()
    assert w.unlock().rc == 0 and w.used("demo") >= before


# ---- sessions ----

@pytest.mark.parametrize("why", ["request", *EVENTS])
def test_sessions_go_on(w, why):
    w.keys(demo={}, spared={"keep": "yes"})
    live, kept = w.live("demo"), w.live("spared")
    assert live.has_its_key() and w.status()["sessions"] == 2
    w.lock(why)
    assert live.has_its_key() and kept.has_its_key() and w.status()["sessions"] == 2
    assert live.end() == 0 and kept.end() == 0
    until(lambda: w.status()["sessions"] == 0, what="the sessions' end")


def test_the_client_goes_on(c, ep, token):
    """The real one, locked out in the middle of a turn."""
    c.demo()
    c.ready(token)
    hold = threading.Event()
    ep.script[:] = [Text("the end", hold=hold)]
    proc = c.popen([CCRUN, "demo", "-p", "hello"])
    try:
        until(lambda: ep.main, what="the request")
        assert c.ccctl("lock").rc == 0 and c.status()["sessions"] == 1
    finally:
        hold.set()
    assert proc.wait(60) == 0
    assert ep.main[-1].headers["authorization"] == "Bearer " + token
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 125 and "locked" in r.err and "hint: ccctl unlock" in r.err, r


@pytest.fixture
def broker():
    with wc.Broker() as b:
        b.init()
        b.put("zai", "sk-test-0123456789abcdefghij")
        b.put("spared", "sk-test-jihgfedcba9876543210", policy=wc.POLICY + " keep=yes")
        yield b


@pytest.mark.parametrize("why", ["request", *EVENTS])
@pytest.mark.parametrize("late", [False, True], ids=["opened", "arrived"])
def test_what_was_opened_and_not_claimed_is_refused(broker, why, late):
    go, done = broker.root / "go", broker.root / "done"

    def wait():
        # A session's process may not lock: somebody else does.
        go.touch()
        until(done.exists, what="the lock")

    steps = ["mark", "arrived", wait] if late else [wait, "mark", "arrived"]
    child = wc.Child(wc.launch, broker, *steps, "hide", "claim")
    until(go.exists, what="the session")
    broker.call("lock", why=why)
    done.touch()
    with pytest.raises(wc.Refused, match="the vault is locked"):
        child.result()
    assert [e["result"] for e in broker.lines() if e["event"] == "claim"] == ["locked"]


def test_what_is_kept_can_be_claimed(broker):
    got = wc.in_child(lambda: wc.launch(broker, lambda: broker.call("lock", why="suspend"), "mark", "arrived",
                                        "hide", "claim", entry="spared"))
    assert got == {wc.VARIABLE: b"sk-test-jihgfedcba9876543210"}


def test_a_session_may_not_lock(broker):
    def inside():
        wc.mark()
        return [broker.error("lock", why=why) for why in ("request", "suspend")]

    assert wc.in_child(inside) == ["marked", "marked"]
    assert broker.call("hello")["state"] == "unlocked"


@pytest.mark.parametrize("why", ["idle", "longest", "start", "moved", "sleep", ""])
def test_reasons_that_nobody_may_give(broker, why):
    assert broker.error("lock", why=why) == "bad-value"
    assert broker.call("hello")["state"] == "unlocked"


def test_a_length_of_time_has_a_unit(w):
    """8 may be meant as hours: as seconds it would lock the vault at once."""
    for words in (("settings", "idle=8"), ("settings", "longest=12"), ("add", "-t", "12", "--key", "x")):
        r = w.ccctl(*words, input="sk-0123456789abcdef")
        assert r.rc == 2 and "with its unit" in r.err and "hint: like" in r.err, r
