"""What time does: the idle and the longest lock, and keys with a lifetime.  The
broker's clock is the test's, so that hours take no time."""
import os
import time

import pytest

import canary
import wire_client as wc
from ccrun import PASSPHRASE
from client import until
from locking import EVENTS, TIMES, WORDS, Locking

MINUTE, HOUR, DAY = 60, 3600, 86400
OVER = "was in memory as long as its ttl allows"


@pytest.fixture
def w():
    with Locking() as world:
        yield world


def state(w):
    return w.status()["state"]


# ---- idle and longest ----

def test_time_alone_does_not_lock(w):
    w.keys(demo={})
    w.advance(1000 * DAY)
    assert w.serves("demo") and w.locks() == []


def test_idle(w):
    w.keys(demo={})
    w.ok("settings", "idle=15m")
    w.advance(14 * MINUTE + 50)
    # whoever only looks does not keep it open
    assert state(w) == "unlocked" and w.ok("slot", "list").rc == 0 and w.ok("log").rc == 0
    w.advance(11)
    s = w.status()
    assert s["state"] == "locked" and s["locked_why"] == "idle", s
    w.refused("demo", "the vault is locked")
    assert w.locks() == ["idle"]


@pytest.mark.parametrize("what", ["launch", "get", "keys", "add", "settings"])
def test_use_keeps_it_open(w, what):
    w.keys(demo={})
    w.ok("settings", "idle=15m")
    for _ in range(3):
        w.advance(14 * MINUTE)
        if what == "launch":
            assert w.serves("demo")
        elif what == "get":
            assert w.ok("get", "demo").out == w.token["demo"]
        elif what == "add":
            w.add("demo", w.token["demo"], "--replace")
        else:
            w.ok(what)
    assert state(w) == "unlocked"
    w.advance(15 * MINUTE)
    assert state(w) == "locked"


def test_a_refused_launch_does_not_keep_it_open(w):
    w.keys(demo={})
    w.ok("settings", "idle=15m")
    w.file("other")
    w.advance(14 * MINUTE)
    w.refused("other", "no key 'other'", hint="ccctl add other")
    w.advance(MINUTE)
    assert w.status()["locked_why"] == "idle"


def test_longest(w):
    w.keys(demo={})
    w.ok("settings", "longest=1h", "idle=50m")
    for _ in range(3):
        w.advance(19 * MINUTE)
        assert w.serves("demo")
    w.advance(3 * MINUTE)
    w.refused("demo", "the vault is locked")
    assert w.status()["locked_why"] == "longest" and w.locks() == ["longest"]
    # it counts from each opening
    assert w.unlock().rc == 0
    w.advance(49 * MINUTE)
    assert w.serves("demo")


def test_a_setting_holds_at_once(w):
    w.keys(demo={})
    w.advance(2 * HOUR)
    w.ok("settings", "longest=1h")
    assert w.status()["locked_why"] == "longest"


def test_settings_hold_in_the_next_broker(w):
    w.keys(demo={})
    w.ok("settings", "idle=1h")
    w.end_broker()
    assert w.unlock().rc == 0
    w.advance(HOUR)
    assert w.status()["locked_why"] == "idle"


def test_nobody_needs_to_ask(w):
    """The broker looks by itself, within a second of its own."""
    w.keys(demo={})
    w.ok("settings", "idle=1m")
    w.advance(MINUTE)
    until(w.locks, timeout=3, what="the lock")
    assert w.locks() == ["idle"]


@pytest.mark.parametrize("why", TIMES)
def test_a_request_right_after_a_sleep_comes_too_late(why):
    """As when a suspend was not told of: the request is there before the broker
    has looked at the time by itself."""
    with wc.Broker() as broker:
        broker.init()
        broker.put("zai", "sk-test-0123456789abcdefghij")
        broker.call("set", **{why: 3600})
        with broker.connect() as c:
            c.call("hello")
            (broker.root / "state/ccrun/clock").write_text(str(3600 * 1000))
            assert c.error("get", name="zai") == "locked"
            assert c.call("status")["why"] == why


@pytest.mark.parametrize("why", TIMES)
def test_status_says_when_and_why(w, why):
    w.keys(demo={}, spared={"keep": "yes"})
    live = w.live("demo")
    w.lock(why)
    assert f"{WORDS[why]}, {time.strftime('%Y-%m-%d')}" in w.ok("status").out
    assert w.status()["kept"] == 1
    # as with the other automatic locks
    assert live.has_its_key() and w.serves("spared")
    w.refused("demo", "the vault is locked")
    w.ok("lock")
    w.refused("spared", "the vault is locked")
    assert live.has_its_key() and live.end() == 0


# ---- lifetimes ----

def test_a_key_with_a_lifetime(w):
    w.keys(demo={})
    w.key("short", None, "-t", "1h")
    w.advance(HOUR - 5)
    assert w.serves("short") and w.status()["asleep"] == 0
    w.advance(6)
    w.refused("short", f"the key 'short' {OVER}")
    assert w.serves("demo"), "others go on"
    s = w.status()
    assert s["state"] == "unlocked" and s["asleep"] == 1, s
    assert "1 wiped because their ttl is over: ccctl unlock" in w.ok("status").out
    r = w.ccctl("get", "short")
    assert r.rc == 3 and OVER in r.err and "hint: ccctl unlock" in r.err and r.out == "", r
    # it needs the passphrase, and one that opens the vault
    r = w.unlock(passphrase="something else")
    assert r.rc == 5 or r.rc == 1, r
    w.refused("short", OVER)
    assert w.unlock().rc == 0
    assert w.serves("short") and w.serves("demo") and w.status()["asleep"] == 0
    w.advance(HOUR)
    w.refused("short", OVER)
    assert w.locks() == [], "that was no lock"


def test_an_unlock_that_nothing_needs_changes_nothing(w):
    w.keys()
    w.key("short", None, "-t", "1h")
    w.advance(40 * MINUTE)
    assert w.unlock().rc == 0
    w.advance(21 * MINUTE)
    w.refused("short", OVER)


@pytest.mark.parametrize("file, words, lives", [("30m", [], 30), ("30m", ["-t", "2h"], 30), ("2h", ["-t", "30m"], 30),
                                                (None, ["-t", "30m"], 30)])
def test_the_shorter_of_two_lifetimes(w, file, words, lives):
    w.keys()
    w.key("short", file and {"ttl": file}, *words)
    w.advance(lives * MINUTE - 5)
    assert w.serves("short")
    w.advance(6)
    w.refused("short", OVER)


def test_a_new_key_lives_from_when_it_came(w):
    w.keys()
    w.key("short", None, "-t", "1h")
    w.advance(50 * MINUTE)
    w.add("short", w.token["short"], "--replace", "-t", "1h")
    w.advance(50 * MINUTE)
    assert w.serves("short")
    w.advance(11 * MINUTE)
    w.refused("short", OVER)


def test_a_kept_key_has_its_lifetime_too(w):
    w.keys(demo={}, spared={"keep": "yes", "ttl": "1h"})
    w.lock("suspend")
    w.advance(59 * MINUTE)
    assert w.serves("spared") and w.status()["kept"] == 1
    w.advance(2 * MINUTE)
    w.refused("spared", OVER)
    w.refused("demo", "the vault is locked")
    assert w.status()["kept"] == 0 and state(w) == "locked"
    assert w.unlock().rc == 0 and w.serves("spared")
    # one that sleeps when it is locked is not kept
    w.advance(2 * HOUR)
    w.lock("suspend")
    w.refused("spared", "the vault is locked")


def other_passphrase(w):
    read, write = os.pipe()
    os.write(write, b"another passphrase altogether\n")
    os.close(write)
    try:
        return w.ok("slot", "add", "passphrase", "--new-passphrase-fd", str(read), pass_fds=[read])
    finally:
        os.close(read)


CHANGES = {
    "add": lambda w: w.key("third"),
    "replace": lambda w: w.key("demo", None, "--replace"),
    "rm": lambda w: w.ok("rm", "-y", "demo"),
    "rename": lambda w: w.ok("rename", "short", "renamed"),
    "approve": lambda w: (w.file("short", {"nested": "allow"}), w.ok("approve", "--yes", "short")),
    "slot": other_passphrase,
    "settings": lambda w: w.ok("settings", "screen=no"),
}


@pytest.mark.parametrize("how", CHANGES)
def test_a_change_while_a_key_sleeps_loses_nothing(w, how):
    w.keys(demo={}, extra={})
    w.key("short", None, "-t", "1h")
    key = w.token["short"]
    w.advance(HOUR)
    w.refused("short", OVER)
    CHANGES[how](w)
    # the change needed it for a moment; nobody else gets it
    name = "renamed" if how == "rename" else "short"
    r = w.ccctl("get", name)
    assert r.rc == 3 and OVER in r.err, r
    assert w.status()["asleep"] == 1
    w.end_broker(9)
    assert w.unlock().rc == 0
    assert w.ok("get", name).out == key
    assert w.serves("extra") and (how == "rm" or w.serves("demo"))
    assert ["ttl=3600" in e["policy"] for e in w.json("keys") if e["name"] == name] == [True]
    w.advance(HOUR)
    assert w.ccctl("get", name).rc == 3


def test_a_new_key_in_the_place_of_one_that_sleeps(w):
    w.keys()
    w.key("short", None, "-t", "1h")
    w.advance(HOUR)
    w.key("short", None, "--replace", "-t", "1h")
    assert w.serves("short")
    w.end_broker()
    assert w.unlock().rc == 0 and w.serves("short")


def test_use_times_while_a_key_sleeps(w):
    w.keys(demo={})
    w.key("short", None, "-t", "1h")
    before = int(time.time())
    assert w.serves("short") and w.serves("demo")
    w.advance(HOUR)
    # the vault is read anew
    assert w.unlock().rc == 0
    assert w.used("demo") >= before and w.used("short") >= before
    # and written while one sleeps
    w.advance(HOUR)
    w.lock("suspend")
    w.end_broker()
    assert w.unlock().rc == 0
    assert w.used("demo") >= before and w.used("short") >= before


# ---- what is in memory ----

def in_memory(w, name):
    return bool(canary.scan_memory(w.broker(), w.token[name], spare_locked=False)[0])


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's eyes")
@pytest.mark.parametrize("why", ["request", *EVENTS, *TIMES])
def test_a_lock_wipes(w, why):
    w.keys(demo={}, spared={"keep": "yes"})
    assert w.serves("demo") and w.serves("spared")
    assert in_memory(w, "demo"), "it can be found"
    w.lock(why)
    assert not in_memory(w, "demo")
    assert in_memory(w, "spared") == (why != "request")
    w.ok("lock")
    assert not in_memory(w, "spared")
    assert not canary.scan_memory(w.broker(), PASSPHRASE, spare_locked=False)[0]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's eyes")
def test_what_sleeps_is_not_in_memory(w):
    w.keys(demo={}, spared={"keep": "yes", "ttl": "2h"})
    w.key("short", None, "-t", "1h")
    assert w.serves("short") and in_memory(w, "short")
    w.advance(HOUR)
    assert w.status()["asleep"] == 1
    assert not in_memory(w, "short") and in_memory(w, "demo")
    # a change wakes it for as long as it takes
    w.ok("settings", "screen=no")
    assert w.status()["asleep"] == 1 and not in_memory(w, "short")
    w.lock("suspend")
    w.advance(HOUR)
    assert w.status()["kept"] == 0 and not in_memory(w, "spared")
