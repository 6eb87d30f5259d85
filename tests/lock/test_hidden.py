"""A broker that clients would not find locks itself: ccctl lock would say that nothing is unlocked."""
import os
import signal
import time

import pytest

import canary
import wire_client as wc
from ccrun import PASSPHRASE
from client import until
from controls import without
from wire_client import Refused

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()
OPEN = ("unlocked", "start")
KEEP = wc.POLICY + " keep=yes"


def opened(b):
    b.init()
    b.put("zai", TOKEN)
    b.put("kept", TOKEN, KEEP)
    return b


def lock_file(b):
    return b.vault.with_name("vault.lock")


def state(c):
    hello = c.call("hello")
    return hello["state"], hello.get("why")


def in_place(b):
    """Another file in the lock's place, as a second broker would make it."""
    new = lock_file(b).with_name("new")
    new.write_text("999999\n")
    new.rename(lock_file(b))


def without_its_directory(b):
    b.vault.parent.rename(b.vault.parent.with_name("away"))


@pytest.mark.parametrize("hide", [lambda b: lock_file(b).unlink(), in_place, without_its_directory],
                         ids=["removed", "replaced", "moved"])
def test_one_whose_lock_file_is_not_its_own_locks(hide):
    with wc.Broker() as b:
        opened(b)
        with b.connect() as c:
            assert state(c) == OPEN
            hide(b)
            until(lambda: state(c) == ("locked", "hidden"), what="a lock")
            with pytest.raises(Refused, match="locked"):
                b.get("kept")
        assert [e["why"] for e in b.lines() if e["event"] == "lock"] == ["hidden"]


def test_one_that_can_make_no_socket_locks():
    with wc.Broker() as b:
        opened(b)
        with b.connect() as c:
            b.socket.unlink()
            (b.socket / "x").mkdir(parents=True)
            time.sleep(3)
            assert state(c) == OPEN, "it may be made again"
            (b.root / "state/ccrun/clock").write_text("3000")
            time.sleep(1.5)
            assert state(c) == OPEN
            (b.root / "state/ccrun/clock").write_text("19000")
            until(lambda: state(c) == ("locked", "hidden"), what="a lock")


def test_one_that_makes_its_socket_again_does_not():
    with wc.Broker() as b:
        opened(b)
        with b.connect() as c:
            b.socket.unlink()
            until(b.socket.exists, what="another socket")
            (b.root / "state/ccrun/clock").write_text("19000")
            time.sleep(2)
            assert state(c) == OPEN


def test_without_the_control_it_stays_open():
    with without(wc.Broker(), "hidden") as b:
        opened(b)
        with b.connect() as c:
            lock_file(b).unlink()
            time.sleep(4)
            assert state(c) == OPEN


def test_ccctl_lock_does_not_answer_for_one_that_is_hidden(ready):
    """One that is stopped does not lock itself."""
    c = ready
    hidden = c.broker()
    os.kill(hidden, signal.SIGSTOP)
    try:
        (c.data / "ccrun/vault.lock").unlink()
        (c.runtime / "ccrun/broker.sock").rename(c.runtime / "ccrun/away")
        r = c.ccctl("lock")
        assert r.rc == 1 and "nothing is unlocked" not in r.err and "took that name away" in r.err, r
        r = c.with_passphrase("unlock", passphrase=PASSPHRASE)
        assert r.rc == 1 and "record.jsonl" in r.err and f"kill -9 {hidden}" in r.err, r
        (c.state / "ccrun/record.jsonl").unlink()
        assert c.with_passphrase("unlock", passphrase=PASSPHRASE).rc == 0
        r = c.ccctl("lock")
        assert r.rc == 1 and "this broker is locked; a broker listens whose socket was" in r.err, r
        assert c.status()["state"] == "locked"
    finally:
        os.kill(hidden, signal.SIGKILL)
    until(lambda: c.ccctl("lock").rc == 0, what="its end")
