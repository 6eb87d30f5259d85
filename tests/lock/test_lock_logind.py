"""The real ccrun-logind between the real broker and a logind of the test's: a
computer that sleeps, a screen that is locked, a person who leaves."""
import os
import signal

import pytest

from ccrun import CCRUN, PASSPHRASE
from client import alive, children_named, until
from dialogue import answer, ended, talk
from endpoint import Text
from locking import SAY, WORDS, Locking
from logind import Logind

PROMPT = "Passphrase for your vault: "


@pytest.fixture
def w(ep):
    with Locking() as world, Logind(world) as logind:
        world.logind = logind
        world.endpoint_used = ep
        # It is inherited by whatever starts the watcher.
        world.plain_env.update(logind.env)
        yield world


def watchers():
    return [p for p in children_named(os.getpid(), "ccrun-logind") if alive(p)]


def held(w):
    return [i for i in w.logind.inhibitors() if i["closed"] is None]


def watched(w):
    until(lambda: w.status()["watched"] and held(w), what="the watcher")


def sleep(w):
    """Down to where the machine would sleep: nobody delays it any more."""
    w.logind.prepare_for_sleep(True)
    until(lambda: not held(w), what="the inhibitor is released")


# ---- what happens ----

def test_suspend(w):
    w.keys(demo={}, spared={"keep": "yes"})
    watched(w)
    live = w.live("demo")
    sleep(w)
    s = w.status()
    assert s["state"] == "locked" and s["locked_why"] == "suspend" and s["kept"] == 1, s
    assert WORDS["suspend"] in w.ok("status").out and w.locks() == ["suspend"]
    w.logind.prepare_for_sleep(False)
    until(lambda: held(w), what="another inhibitor")
    w.refused("demo", "the vault is locked")
    assert w.serves("spared") and live.has_its_key()
    # and again
    assert w.unlock().rc == 0 and w.serves("demo")
    sleep(w)
    w.refused("demo", "the vault is locked")
    assert w.locks() == ["suspend"] * 2


def test_sleep_waits_for_the_wipe(w):
    w.keys(demo={})
    watched(w)
    pid = w.broker()
    w.run(["kill", "-STOP", str(pid)])
    w.logind.prepare_for_sleep(True)
    with pytest.raises(TimeoutError):
        until(lambda: not held(w), timeout=1)
    assert w.locks() == []
    w.run(["kill", "-CONT", str(pid)])
    until(lambda: not held(w), what="the inhibitor is released")
    assert w.locks() == ["suspend"]


@pytest.mark.parametrize("how", ["lock", "hint"])
def test_the_screen(w, how):
    w.keys(demo={})
    watched(w)
    w.logind.lock_session("7")  # somebody else's
    (w.logind.lock_session if how == "lock" else w.logind.set_locked_hint)("1")
    until(lambda: w.status()["state"] == "locked", what="the lock")
    assert w.status()["locked_why"] == "screen"
    w.refused("demo", "the vault is locked")
    # what follows changes nothing
    sleep(w)
    assert w.status()["locked_why"] == "screen"


def test_logout(w):
    w.keys(demo={})
    watched(w)
    w.logind.new_session("2")
    w.logind.remove_session("1")
    w.logind.remove_session("2")
    until(lambda: w.status()["state"] == "locked", what="the lock")
    assert w.status()["locked_why"] == "logout" and w.locks() == ["logout"]


def test_what_was_switched_off(w):
    w.keys(demo={})
    watched(w)
    w.ok("settings", "suspend=no", "screen=no", "logout=no")
    w.logind.lock_session("1")
    w.logind.set_locked_hint("1")
    w.logind.remove_session("1")
    sleep(w)  # the last of them, and answered: the others were heard
    assert w.status()["state"] == "unlocked" and w.serves("demo") and w.locks() == []


# ---- the watcher's life ----

def test_one_for_a_broker_and_it_ends_with_it(w):
    w.keys(demo={})
    watched(w)
    assert "watched        yes" in w.ok("status").out
    first = until(watchers, what="the watcher")
    for _ in range(2):
        assert w.unlock().rc == 0
    until(lambda: watchers() == first, what="no second one")
    w.end_broker()
    until(lambda: not watchers() and not held(w), what="its end")
    w.refused("demo", "the vault is locked")  # which starts a broker
    watched(w)
    assert watchers() != first and len(watchers()) == 1
    w.end_broker(15)
    until(lambda: not watchers(), what="its end")


def test_it_comes_back_with_an_unlock(w):
    w.keys(demo={})
    watched(w)
    os.kill(watchers()[0], signal.SIGKILL)
    until(lambda: not w.status()["watched"], what="the broker notices")
    assert "watched        no: " in w.ok("status").out
    # it is open, so nothing is to be typed
    w.ok("unlock")
    watched(w)
    sleep(w)
    w.refused("demo", "the vault is locked")


def test_a_broker_that_opens_by_itself_is_watched(w):
    """No person ever says `ccctl unlock` to it."""
    w.keys(demo={})
    w.ok("host", "init")
    w.ok("slot", "add", "keyfile")
    w.end_broker()
    until(lambda: not watchers(), what="the old watcher's end")
    assert w.serves("demo")
    watched(w)
    sleep(w)
    w.refused("demo", "the vault is locked")


def test_without_a_bus_everything_goes_on(w):
    w.logind.stop_service()
    w.logind.stop_bus()
    w.keys(demo={})
    assert w.serves("demo")
    until(lambda: not watchers(), what="its end")
    s = w.status()
    assert s["watched"] is False and s["state"] == "unlocked", s
    assert "watched        no: suspend, screen lock and log-out do not lock it; ccctl unlock" in w.ok("status").out


def test_an_inhibitor_that_was_refused_is_asked_for_again(w):
    """As at boot, when polkit comes after the watcher; nothing else happens meanwhile."""
    w.logind.refuse_inhibitors()
    w.keys(demo={})
    until(lambda: w.status()["watched"] and not w.status()["delays"], what="the watcher")
    w.logind.refuse_inhibitors(False)
    until(lambda: w.status()["delays"], 40, "an inhibitor")
    sleep(w)
    until(lambda: not held(w), what="the inhibitor is released")


def test_status_says_when_sleep_does_not_wait(w):
    """Without polkit logind lets nobody but root delay it."""
    w.logind.refuse_inhibitors()
    w.keys(demo={})
    until(lambda: w.status()["watched"] and not w.status()["delays"], what="the watcher")
    assert "watched        yes, but a suspend does not wait" in w.ok("status").out
    w.logind.refuse_inhibitors(False)
    w.logind.prepare_for_sleep(False)
    until(lambda: w.status()["delays"], what="an inhibitor")
    assert "watched        yes (" in w.ok("status").out
    w.logind.refuse_inhibitors()
    sleep(w)
    w.logind.prepare_for_sleep(False)
    until(lambda: not w.status()["delays"], what="none again")
    w.run(["kill", str(watchers()[0])])
    until(lambda: not w.status()["watched"], what="its end")
    assert w.status()["delays"] is False


# ---- waking ----

def asked_once(w, *argv):
    """It asks for the passphrase and for nothing more; what it writes."""
    p = talk(w, *argv)
    answer(p, PROMPT, PASSPHRASE)
    text, rc = ended(p)
    assert rc == 0 and "assphrase" not in text, text
    return text


def test_waking_asks_once(w, ep):
    ep.script[:] = [Text("hello from loopback")] * 2
    w.demo()
    w.init()
    w.token["demo"] = "key-0123456789-0123456789-0123456789"
    w.add("demo", w.token["demo"])
    watched(w)
    sleep(w)
    w.logind.prepare_for_sleep(False)
    # with nobody to ask
    r = w.ccrun("demo", "-p", "hello")
    assert r.rc == 125 and "hint: ccctl unlock\n" in r.err and not ep.main, r
    assert "hello from loopback" in asked_once(w, CCRUN, "demo", "-p", "hello")
    assert ep.main[0].headers["authorization"] == "Bearer " + w.token["demo"]
    text, rc = ended(talk(w, CCRUN, "demo", "-p", "hello"))
    assert rc == 0 and "assphrase" not in text and "hello from loopback" in text, text


@pytest.mark.parametrize("why", ["request", "suspend", "logout"])
def test_after_any_lock_a_terminal_is_asked_once(w, why):
    w.keys(demo={}, other={})
    w.lock(why)
    assert w.token["demo"] in asked_once(w, CCRUN, "--exec", "/bin/sh", "demo", "-c", SAY)
    for name in ("demo", "other"):
        text, rc = ended(talk(w, CCRUN, "--exec", "/bin/sh", name, "-c", SAY))
        assert rc == 0 and "assphrase" not in text and w.token[name] in text, text


def test_a_fresh_broker_asks_nothing(w):
    w.keys(demo={})
    w.ok("host", "init")
    w.ok("slot", "add", "keyfile")
    w.end_broker()
    text, rc = ended(talk(w, CCRUN, "--exec", "/bin/sh", "demo", "-c", SAY))
    assert rc == 0 and "assphrase" not in text and w.token["demo"] in text, text


def test_two_that_ask_at_the_same_time(w):
    w.keys(demo={})
    w.lock("suspend")
    first, second = (talk(w, CCRUN, "--exec", "/bin/sh", "demo", "-c", SAY) for _ in range(2))
    for p in (first, second):
        p.expect_exact(PROMPT)
    for p in (first, second):
        p.send(PASSPHRASE + "\r")
        text, rc = ended(p)
        assert rc == 0 and w.token["demo"] in text, text
    assert w.status()["state"] == "unlocked"
